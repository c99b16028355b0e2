import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import express, { type Express } from 'express'
import { request as undiciRequest } from 'undici'
import { bearer, listen, startApp, type TestApp } from '../helpers/app.js'
import { eventOf, operation, startProvider, type Handler, type Provider } from './support.js'

const answer = JSON.stringify({
  ...{ object: 'chat.completion', model: 'gpt-4o', choices: [] },
  usage: { prompt_tokens: 12, completion_tokens: 7, total_tokens: 19 },
})

describe('what hosts do with requests and answers', () => {
  let provider: Provider
  let app: TestApp
  let handler: Handler
  const context = new AsyncLocalStorage<string>()
  const mount = (host: Express) => {
    host.use((req, _res, next) => {
      context.enterWith(String(req.headers['x-id']))
      next()
    })
    host.post('/ai/chat', (req, res) => handler(req, res))
  }
  before(async () => {
    provider = await startProvider((_req, res) => {
      res.setHeader('content-type', 'application/json').end(answer)
    })
    app = await startApp(mount, {
      ...{ capture: { outbound: { hosts: [provider.url] } }, plans: { free: { limits: [] } } },
    })
  })
  after(async () => {
    await app.close()
    await provider.close()
  })
  const url = () => `${provider.url}/v1/chat/completions`

  it('may overwrite the bytes that a provider sent', async () => {
    handler = async (_req, res) => {
      const { body } = await undiciRequest(url(), { method: 'POST', body: '{}' })
      for await (const chunk of body) (chunk as Buffer).fill(0)
      res.json({ reply: 'yes' })
    }
    assert.equal((await operation(app, 'overwrites')).output_tokens, 7)
  })

  it('may hand those bytes on to a stream that takes them away', async () => {
    handler = async (_req, res) => {
      const { body } = await undiciRequest(url(), { method: 'POST', body: '{}' })
      const chunks = body[Symbol.asyncIterator]()
      const bytes = new ReadableStream({
        type: 'bytes',
        async pull(controller) {
          const { done, value } = (await chunks.next()) as { done: boolean; value: Uint8Array }
          if (!done) controller.enqueue(value)
          else {
            controller.close()
            controller.byobRequest?.respond(0)
          }
        },
      })
      res.send(await new Response(bytes).text())
    }
    assert.equal((await operation(app, 'hands-on')).output_tokens, 7)
  })

  it('may call the provider for the first time after the client has left', async () => {
    const leaving = new AbortController()
    handler = async () => {
      leaving.abort()
      await sleep(100)
      await (await fetch(url(), { method: 'POST', body: '{}' })).text()
    }
    const { signal } = leaving
    const init = { method: 'POST', headers: bearer('leaves'), body: '{}', signal }
    await assert.rejects(fetch(`${app.url}/ai/chat`, init))
    await sleep(300)
    const event = await eventOf(app, 'leaves')
    assert.equal(event.status, 'aborted')
    assert.equal(event.token_source, 'provider')
    assert.equal(event.output_tokens, 7)
  })

  it('may set an async context of their own, which a body that comes later has as without us', async () => {
    handler = (req, res) => {
      req.resume().once('end', () => res.json({ id: context.getStore() ?? 'lost' }))
    }
    const bare = express()
    mount(bare)
    const server = createServer(bare)
    const expected = await idOf(await listen(server))
    server.closeAllConnections()
    server.close()
    assert.equal(await idOf(app.url), expected)
    // Node keeps it up to version 22.
    if (Number(process.versions.node.split('.')[0]) <= 22) assert.equal(expected, 'mine')
  })
})

/** What is answered to a request whose body comes later. */
async function idOf(url: string): Promise<unknown> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const head = ['POST /ai/chat HTTP/1.1', 'Host: x', 'X-Id: mine', 'Content-Length: 2', '', '']
  socket.write(head.join('\r\n'))
  await sleep(50)
  socket.write('{}')
  const [data] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return (JSON.parse(String(data).split('\r\n').at(-1) ?? '') as { id: unknown }).id
}
