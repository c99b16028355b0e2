import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { ClientRequest, get } from 'node:http'
import { connect, createServer, type ClientHttp2Session, type Http2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { BedrockRuntimeClient, InvokeModelCommand } from '@aws-sdk/client-bedrock-runtime'
import axios from 'axios'
import { createUsage, type UsageEvent } from '../../src/index.js'
import { bearer, secret, startApp, type TestApp } from '../helpers/app.js'
import { payload } from '../helpers/fixtures.js'
import { operation, startProvider, type Provider } from './support.js'

const body = '{"model":"gpt-4o","messages":[{"role":"user","content":"Where to?"}]}'
const completion = payload('openai-chat/completion.json')
const post = { method: 'POST', body }

describe('observing provider calls', () => {
  let provider: Provider
  let task: (url: string) => Promise<unknown>
  const open: TestApp[] = []
  const start = async (hosts: (string | { baseUrl: string; provider?: string })[]) => {
    const app = await startApp(
      (host) => {
        host.post('/ai/chat', async (_req, res) => {
          await task(`${provider.url}/v1/chat/completions`)
          res.json({ reply: 'yes' })
        })
      },
      { capture: { outbound: { hosts } } },
    )
    open.push(app)
    return app
  }
  before(async () => {
    provider = await startProvider((_req, res) => res.end(completion))
  })
  afterEach(async () => {
    for (const app of open.splice(0)) await app.close()
    provider.answer = (_req, res) => res.end(completion)
  })
  after(() => provider.close())

  it('leaves calls to others alone, and those that are no work of a model', async () => {
    const app = await start([provider.url])
    const other = await startProvider((_req, res) => res.end(completion))
    provider.answer = (req, res) => {
      if (req.method === 'GET') res.end(completion)
      else res.setHeader('content-type', 'application/json').end('{"input_tokens":14}')
    }
    task = async (url) => {
      await (await fetch(`${other.url}/v1/chat/completions`, post)).text()
      await (await fetch(url)).text()
      await (await fetch(`${provider.url}/v1/messages/count_tokens`, post)).text()
      await new Promise((resolve) => get(url, (res) => res.resume().once('end', resolve)))
    }
    const event = await operation(app, 'others')
    assert.notEqual(event.token_source, 'provider')
    assert.equal(event.attempts, 1)
    assert.equal(event.model, undefined)
    await other.close()
  })

  it('records nothing outside of tracked requests', async () => {
    const app = await start([provider.url])
    await (await fetch(`${provider.url}/v1/chat/completions`, post)).text()
    await axios.post(`${provider.url}/v1/chat/completions`, body)
    await app.usage.flush()
    assert.equal(await app.database.connection.collection('usage_logs').countDocuments(), 0)
  })

  it('minds the path and the name of an added host', async () => {
    task = async (url) => (await fetch(url, post)).text()
    const elsewhere = await start([`${provider.url}/v2`])
    assert.notEqual((await operation(elsewhere, 'path')).token_source, 'provider')
    const named = await start([{ baseUrl: `${provider.url}/v1/`, provider: 'mine' }])
    assert.equal((await operation(named, 'name')).provider, 'mine')
  })

  it('is done by each meter on its own when a process has two', async () => {
    const [one, two] = [await start([provider.url]), await start([provider.url])]
    task = (url) => axios.post(url, body)
    const events = await Promise.all([operation(one, 'two'), operation(two, 'two')])
    assert.deepEqual(
      events.map((event) => [event.input_tokens, event.attempts]),
      [
        [1117, 1],
        [1117, 1],
      ],
    )
    await two.close()
    open.pop()
    assert.equal((await operation(one, 'left over')).input_tokens, 1117)
  })

  it('ends with close: no hook is left', async () => {
    const channels = [
      'undici:request:create',
      'http.client.request.created',
      'http.client.response.finish',
    ].map((name) => channel(name))
    const session = connect('http://127.0.0.1:1')
    session.on('error', () => undefined)
    const methods = () => [
      Object.getOwnPropertyDescriptor(Object.getPrototypeOf(session), 'request')?.value as unknown,
      Reflect.get(ClientRequest.prototype, 'write'),
      Reflect.get(ClientRequest.prototype, 'end'),
    ]
    const before = methods()
    const [one, two] = [await start([provider.url]), await start([provider.url])]
    assert.ok(channels.every((each) => each.hasSubscribers))
    assert.notEqual(methods()[0], before[0])
    await one.usage.close()
    assert.ok(channels.every((each) => each.hasSubscribers))
    await two.usage.close()
    assert.deepEqual(
      channels.map((each) => each.hasSubscribers),
      [false, false, false],
    )
    assert.deepEqual(methods(), before)
    session.destroy()
  })

  it('does not hook anything when it is turned off', async () => {
    const app = await startApp(() => undefined, { capture: { outbound: false } })
    assert.equal(channel('undici:request:create').hasSubscribers, false)
    await app.close()
  })

  it('lets close write what a provider has told so far, within the deadline', async () => {
    const app = await start([provider.url])
    provider.answer = (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write(payload('openai-chat/stream-aborted.sse'))
    }
    task = async (url) => {
      const response = await fetch(url, post)
      void response.text().catch(() => undefined)
    }
    await fetch(`${app.url}/ai/chat`, { method: 'POST', headers: bearer('cut short') })
    const began = performance.now()
    const report = await app.usage.close({ deadlineMs: 3_000 })
    assert.ok(performance.now() - began < 3_500)
    assert.deepEqual(report, { flushed: true, left_in_spool: 0 })
    const event = await app.database.connection.collection<UsageEvent>('usage_logs').findOne({})
    assert.equal(event?.user_id, 'cut short')
    assert.equal(event.model, 'gpt-4o-2024-08-06')
    assert.ok(event.output_tokens > 0)
  })

  describe('of node:http2', () => {
    let server: Http2Server
    let session: ClientHttp2Session
    let url: string
    before(async () => {
      server = createServer((req, res) => {
        req.resume().once('end', () => {
          res.writeHead(200, { 'content-type': 'application/json' })
          res.write(completion.subarray(0, 100))
          setImmediate(() => res.end(completion.subarray(100)))
        })
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      session = connect(url)
    })
    after(async () => {
      session.destroy()
      await new Promise((resolve) => server.close(resolve))
    })

    it('sees streams of sessions that were there before', async () => {
      const app = await start([url])
      let seen = Buffer.alloc(0)
      task = async () => {
        const headers = { ':method': 'POST', ':path': '/model/some/invoke' }
        const stream = session.request(headers)
        stream.write(body.slice(0, 9))
        await sleep(5)
        stream.end(body.slice(9))
        const chunks: Buffer[] = []
        for await (const chunk of stream) chunks.push(chunk as Buffer)
        seen = Buffer.concat(chunks)
      }
      const event = await operation(app, 'http2')
      assert.deepEqual(seen, completion)
      assert.equal(event.input_tokens, 1117)
      assert.equal(event.token_source, 'provider')
    })

    it('sees what the Bedrock client asks', async () => {
      const app = await start([{ baseUrl: url, provider: 'bedrock' }])
      const credentials = { accessKeyId: 'any', secretAccessKey: 'any' }
      const client = new BedrockRuntimeClient({ region: 'eu-west-1', endpoint: url, credentials })
      const modelId = 'openai.gpt-oss-120b-1:0'
      task = () => client.send(new InvokeModelCommand({ modelId, body }))
      const event = await operation(app, 'bedrock')
      client.destroy()
      assert.equal(event.provider, 'bedrock')
      assert.equal(event.input_tokens, 1117)
      assert.equal(event.attempts, 1)
    })
  })

  it('refuses hosts that are no base URLs', () => {
    for (const host of [
      'api.example.com',
      'ftp://example.com',
      { baseUrl: 'x' },
      { baseURL: 'http://x' },
    ]) {
      assert.throws(
        () =>
          createUsage({
            mongoUri: 'mongodb://127.0.0.1',
            auth: { secret, algorithms: ['HS256'] },
            capture: { outbound: { hosts: [host as string] } },
          }),
        { code: 'invalid_option' },
      )
    }
  })
})
