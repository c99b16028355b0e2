import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Request, Response } from 'express'
import multer from 'multer'
import { createUsage, type Usage, type UsageEvent } from '../../src/index.js'
import { bearer, listen, secret, startApp } from '../helpers/app.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { payload } from '../helpers/fixtures.js'
import { frameworks } from '../tap/stand.js'
import { eventOf, startProvider, type Provider } from './support.js'

const completion = payload('openai-chat/completion.json')

const places = Object.entries(frameworks).flatMap(([name, express]) => [
  { where: name, express, isLate: false },
  { where: `${name}, tracked after something that waits`, express, isLate: true },
])

for (const { where, express, isLate } of places) {
  describe(`provider calls behind body parsers, on ${where}`, () => {
    let provider: Provider
    let database: FreshDatabase
    let usage: Usage
    let server: Server
    let port: number
    before(async () => {
      provider = await startProvider((_req, res) => res.end(completion))
      database = await freshDatabase()
      usage = createUsage({
        connection: database.connection,
        auth: { secret, algorithms: ['HS256'] },
        operations: [{ path: '/parse/:parser', type: 'parse' }],
        capture: { outbound: { hosts: [provider.url] } },
      })
      const app = express()
      const answer = (_req: Request, res: Response) => {
        fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body: '{}' })
          .then((response) => response.text())
          .then(
            () => res.json({ reply: 'yes' }),
            () => res.destroy(),
          )
      }
      if (isLate) app.use((_req, _res, next) => void setTimeout(next, 2))
      app.use(usage.track())
      app.post('/parse/json', express.json(), answer)
      app.post('/parse/urlencoded', express.urlencoded({ extended: false }), answer)
      app.post('/parse/raw', express.raw({ type: () => true }), answer)
      app.post('/parse/multer', multer().single('file'), answer)
      app.post('/parse/events', (req, res) => {
        req.resume().once('end', () => answer(req, res))
      })
      app.post(
        '/parse/once',
        (req, _res, next) => {
          let left = Number(req.headers['content-length'])
          const onData = (chunk: Buffer) => {
            left -= chunk.length
            if (left === 0) next()
          }
          req.on('data', onData)
        },
        answer,
      )
      server = createServer(app)
      port = Number(new URL(await listen(server)).port)
    })
    after(async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await usage.close()
      await database.drop()
      await provider.close()
    })

    const bodies: Record<string, [type: string, body: string]> = {
      json: ['application/json', '{"message":"Where to in May?"}'],
      urlencoded: ['application/x-www-form-urlencoded', 'message=Where+to'],
      raw: ['application/octet-stream', 'Where to in May?'],
      events: ['text/plain', 'Where to in May?'],
      once: ['text/plain', 'Where to in May?'],
      multer: [
        'multipart/form-data; boundary=B',
        '--B\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n--B--\r\n',
      ],
    }

    for (const [parser, [type, body]] of Object.entries(bodies)) {
      it(`belong to the request: ${parser}, in one piece and in two`, async () => {
        const socket = connect(port, '127.0.0.1')
        const users = [`${parser} one`, `${parser} two`]
        for (const [index, user] of users.entries()) {
          socket.write(
            `POST /parse/${parser} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\n` +
              `content-length: ${body.length}\r\nauthorization: ${bearer(user).authorization}\r\n\r\n`,
          )
          const half = index * 10
          socket.write(body.slice(0, half))
          await sleep(index * 30)
          socket.write(body.slice(half))
          await new Promise((resolve) => socket.once('data', resolve))
        }
        socket.destroy()
        await usage.flush()
        for (const user_id of users) {
          const events = await database.connection
            .collection<UsageEvent>('usage_logs')
            .find({ user_id })
            .toArray()
          assert.equal(events.length, 1, user_id)
          assert.equal(events[0]?.input_tokens, 1117, user_id)
        }
      })
    }
  })
}

describe('provider calls of a request that is not tracked', () => {
  it('are not billed to a tracked one that waits on the same connection', async () => {
    const provider = await startProvider((_req, res) => res.end(completion))
    const app = await startApp(
      (host) => {
        host.post('/ai/chat', (req, res) => {
          req.resume().once('end', () => setTimeout(() => res.json({ reply: 'yes' }), 200))
        })
        host.post('/other', async (_req, res) => {
          const response = await fetch(`${provider.url}/v1/chat/completions`, {
            method: 'POST',
            body: '{}',
          })
          res.send(await response.text())
        })
      },
      { capture: { outbound: { hosts: [provider.url] } } },
    )
    const { hostname, port } = new URL(app.url)
    const socket = connect(Number(port), hostname)
    for (const path of ['/ai/chat', '/other']) {
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n` +
          `authorization: ${bearer('waits').authorization}\r\n\r\n{}`,
      )
    }
    let answered = ''
    for await (const chunk of socket) {
      answered += String(chunk)
      if (answered.includes('"usage"')) break
    }
    assert.equal(provider.requests.length, 1)
    const event = await eventOf(app, 'waits')
    assert.notEqual(event.token_source, 'provider')
    await app.close()
    await provider.close()
  })
})
