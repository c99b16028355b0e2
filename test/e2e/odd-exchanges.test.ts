import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { ServerResponse } from 'node:http'
import type { Express, RequestHandler } from 'express'
import { answers, completion, expresses, Hosts, post } from './hosts.js'

/** Passes its chunk on by `write`, as some wrap it. */
const endsByWriting: RequestHandler = (_req, res, next) => {
  const end = res.end.bind(res) as (...args: unknown[]) => typeof res
  res.end = ((chunk: unknown, encoding: unknown, done: unknown) => {
    if (typeof chunk === 'function') return end(chunk)
    if (chunk) res.write(chunk, encoding as 'utf8')
    return end(done)
  }) as typeof res.end
  next()
}

for (const [version, express] of expresses) {
  describe(`an exchange out of the ordinary, Express ${version}`, () => {
    const hosts = new Hosts()
    const start = hosts.start.bind(hosts, express)
    afterEach(() => hosts.end())

    for (const [where, order] of [
      ['before', (track: RequestHandler) => [endsByWriting, track]],
      ['after', (track: RequestHandler) => [track, endsByWriting]],
    ] as const) {
      it(`is heard once where \`end\` writes, wrapped ${where} us`, async () => {
        const body = JSON.stringify(completion)
        const { url, logged } = await start((app, usage) => {
          app.use(...order(usage.track()))
          app.post('/ai/chat', answers)
        })
        assert.equal(await (await post(`${url}/ai/chat`)).text(), body)
        const [log] = await logged()
        assert.deepEqual(
          [log?.tokens_used, log?.token_source, log?.response_bytes],
          [15, 'provider', body.length],
        )
      })
    }

    it('is none where it asks for the health, also below a pattern', async () => {
      const { url, logged } = await start(
        (app, usage) => {
          app.use(usage.track())
          app.get('/api/health', usage.health())
          app.post('/api/ask', answers)
        },
        { operations: [{ path: '/api/*rest', type: 'api' }] },
      )
      assert.equal((await fetch(`${url}/api/health`)).status, 200)
      await (await post(`${url}/api/ask`)).text()
      assert.equal((await logged()).length, 1)
    })

    it('has used nothing when it was sent elsewhere', async () => {
      const { url, logged } = await start((app, usage) => {
        app.use(usage.track())
        app.post('/ai/chat', (_req, res) => res.redirect('/login'))
        app.post('/ai/qa', (_req, res) => res.redirect(308, '/ai/qa/'))
      })
      for (const path of ['/ai/chat', '/ai/qa']) {
        await fetch(url + path, { method: 'POST', redirect: 'manual' })
      }
      const found = (await logged()).map((log) => [log.tokens_used, log.token_source])
      assert.deepEqual(found, [
        [0, 'none'],
        [0, 'none'],
      ])
    })

    it("is none where a browser asks whether it may, also for `track({ type })`'s", async () => {
      const { url, logged } = await start(
        (app, usage) => {
          app.use('/ask', usage.track({ type: 'ask' }), (req, res, next) => {
            if (req.method === 'OPTIONS') res.sendStatus(204)
            else next()
          })
          app.post('/ask', answers)
        },
        { anonymous: 'refuse' },
      )
      assert.equal((await fetch(`${url}/ask`, { method: 'OPTIONS' })).status, 204)
      assert.equal((await post(`${url}/ask`)).status, 200)
      assert.equal((await logged()).length, 1)
    })

    it('goes on in the same turn, unwatched, where it is a WebSocket', async () => {
      const { usage, logged } = await start(() => undefined)
      const track = usage.track({ type: 'talk' })
      const req = { method: 'GET', url: '/talk', originalUrl: '/talk', upgrade: true, headers: {} }
      const passed: unknown[] = []
      void track(req as never, new ServerResponse(req as never) as never, () => passed.push(1))
      assert.deepEqual(passed, [1])
      assert.deepEqual(await logged(), [])
    })

    it('is answered as without us where request and response are doubles', async () => {
      const { usage } = await start(() => undefined)
      const app: Express = express()
      app.use(usage.track())
      app.post('/ai/chat', answers)
      const req = { method: 'POST', url: '/ai/chat', headers: {}, rawHeaders: [] }
      const sent = new Promise((resolve, reject) => {
        const res = {
          ...{ setHeader: () => undefined, getHeader: () => undefined, end: resolve },
          removeHeader: () => undefined,
          get: () => undefined,
        }
        const handle = app as unknown as (...args: unknown[]) => void
        handle(
          Object.assign(new EventEmitter(), req),
          Object.assign(new EventEmitter(), res),
          reject,
        )
      })
      assert.equal(String(await sent), JSON.stringify(completion))
    })
  })
}
