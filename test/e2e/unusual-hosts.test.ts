import assert from 'node:assert/strict'
import type { Express, RequestHandler } from 'express'
import type { Usage } from '../../src/index.js'
import { bearer } from '../helpers/app.js'
import { answers, completion, expresses, Hosts, post } from './hosts.js'

for (const [version, express] of expresses) {
  describe(`an app that does what few do, Express ${version}`, () => {
    const hosts = new Hosts()
    const start = hosts.start.bind(hosts, express)
    afterEach(() => hosts.end())

    it('may be metered twice', async () => {
      const other = await start(() => undefined)
      const { url, logged } = await start((app, usage) => {
        app.use(usage.track(), other.usage.track())
        app.post('/ai/chat', answers)
      })
      await (await post(`${url}/ai/chat`)).text()
      for (const look of [logged, other.logged]) {
        const facts = (await look()).map((log) => [log.user_id, log.tokens_used, log.token_source])
        assert.deepEqual(facts, [['ann', 15, 'provider']])
      }
    })

    const one = { name: 'one', metric: 'requests', window: 'day', limit: 1 } as const
    const mounts: [string, string, (app: Express, usage: Usage) => void, object][] = [
      [
        'below everything that is tracked',
        '/ai/usage',
        (app, usage) => app.use('/ai', usage.track({ type: 'ai' })),
        {},
      ],
      [
        'within a pattern',
        '/api/usage',
        (app, usage) => app.use(usage.track()),
        { operations: [{ path: '/api/*rest', type: 'api' }] },
      ],
    ]
    for (const [where, base, track, options] of mounts) {
      it(`asks the API although the plan is used up, mounted ${where}`, async () => {
        const { url, logged } = await start(
          (app, usage) => {
            track(app, usage)
            app.use(base, usage.router())
            app.post(base.replace('usage', 'ask'), answers)
          },
          { plans: { free: { limits: [one] } }, ...options },
        )
        assert.equal((await fetch(`${url}${base}/livez`)).status, 200)
        const ask = `${url}${base.replace('usage', 'ask')}`
        const statuses = [(await post(ask)).status, (await post(ask)).status]
        assert.deepEqual(statuses, [200, 429])
        for (const path of ['/me', '/livez', '/me/quota']) {
          const { status } = await fetch(`${url}${base}${path}`, { headers: bearer('ann') })
          assert.equal(status, 200, path)
        }
        assert.equal((await logged()).length, 2)
      })
    }

    it('may have begun its answer before it is tracked', async () => {
      const begins: RequestHandler = (_req, res, next) => {
        res.writeHead(200, { 'content-type': 'text/event-stream' })
        res.flushHeaders()
        next()
      }
      const limits = [{ name: 'two', metric: 'requests', window: 'day', limit: 2 } as const]
      const { url, logged } = await start(
        (app, usage) => {
          app.post('/ask', begins, usage.track({ type: 'ask' }), (_req, res) => {
            res.end(`data: ${JSON.stringify(completion)}\n\ndata: [DONE]\n\n`)
          })
        },
        { plans: { free: { limits } } },
      )
      const texts: string[] = []
      for (let i = 0; i < 3; i++) texts.push(await (await post(`${url}/ask`)).text())
      assert.match(texts[0] ?? '', /\[DONE\]/)
      assert.match(texts[1] ?? '', /\[DONE\]/)
      assert.equal(texts[2], '')
      const facts = (await logged()).map(({ tokens_used, status }) => [tokens_used, status])
      assert.deepEqual(facts.slice(0, 2), [
        [15, 'ok'],
        [15, 'ok'],
      ])
    })

    it('may have answered before it is tracked', async () => {
      const { url, logged } = await start((app, usage) => {
        app.use((_req, res, next) => {
          res.json({ early: true })
          next()
        })
        app.use(usage.track())
        app.post('/ai/chat', () => undefined)
      })
      assert.deepEqual(await (await post(`${url}/ai/chat`)).json(), { early: true })
      assert.deepEqual(await logged(), [])
    })

    it('names endpoints by pattern below a mount with parameters', async () => {
      const { url, logged } = await start((app, usage) => {
        const merged = express.Router({ mergeParams: true })
        merged.post('/ask', usage.track({ type: 'ask' }), answers)
        const plain = express.Router()
        plain.post('/ask', usage.track({ type: 'ask' }), answers)
        app.use('/tenants/:tenant', merged)
        app.use('/people/:person', plain)
      })
      const paths = [
        '/TENANTS/acme/ask',
        '/tenants/a%40example.com/ask',
        '/people/a%40example.com/ask',
      ]
      for (const path of [...paths, '/people/17/ask']) await (await post(url + path)).text()
      const endpoints = (await logged()).map(({ endpoint }) => endpoint)
      const [merged, plain] = ['/tenants/:tenant/ask', '/people/:value/ask']
      assert.deepEqual(endpoints, [merged, merged, plain, plain])
    })

    it('may know who is asking by what is a promise in all but name', async () => {
      const { url, logged } = await start(
        (app, usage) => {
          app.use(usage.track())
          app.post('/ai/chat', answers)
        },
        {
          identify: () => {
            const promise = Promise.resolve({ user_id: 'bob' })
            return { then: promise.then.bind(promise) } as Promise<{ user_id: string }>
          },
        },
      )
      await (await post(`${url}/ai/chat`)).text()
      assert.deepEqual(
        (await logged()).map(({ user_id }) => user_id),
        ['bob'],
      )
    })

    it('may annotate whom a token may name', async () => {
      const ids = ['👩‍💻', '😀'.repeat(200), 'علي\u200f']
      const { url, logged } = await start((app, usage) => {
        app.use(usage.track())
        app.post('/ai/chat', (req, res) => {
          usage.annotate(req, { user_id: ids[Number(req.query.who)] ?? '' })
          res.json(completion)
        })
      })
      for (const who of ids.keys()) await (await post(`${url}/ai/chat?who=${who}`)).text()
      assert.deepEqual(
        (await logged()).map(({ user_id }) => user_id),
        ids,
      )
    })

    it('may have an empty error in every answer', async () => {
      const errors = ['', {}, null, false, 'overloaded', { type: 'overloaded' }]
      const { url, logged } = await start((app, usage) => {
        app.use(usage.track())
        app.post('/ai/chat', (req, res) => {
          res.json({ ...completion, error: errors[Number(req.query.which)] })
        })
      })
      for (const which of errors.keys()) await (await post(`${url}/ai/chat?which=${which}`)).text()
      const found = (await logged()).map(({ status }) => status)
      assert.deepEqual(found, ['ok', 'ok', 'ok', 'ok', 'error', 'error'])
    })

    it('has no model of a request that was refused, whatever its client calls it', async () => {
      const { url, logged } = await start((app, usage) => {
        app.use(usage.track(), express.json())
        app.post('/ai/chat', (req, res) => {
          const isFine = (req.body as { model: string }).model === 'gpt-4o'
          res
            .status(isFine ? 200 : 400)
            .json(isFine ? { reply: 'Hello' } : { error: 'no such model' })
        })
      })
      for (const model of ['gpt-4o', 'invented']) {
        await (await post(`${url}/ai/chat`, JSON.stringify({ model, message: 'hi' }))).text()
      }
      assert.deepEqual(
        (await logged()).map(({ model }) => model),
        ['gpt-4o', undefined],
      )
    })
  })
}
