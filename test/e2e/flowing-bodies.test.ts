import assert from 'node:assert/strict'
import type { UsageOptions } from '../../src/index.js'
import { answers, expresses, Hosts, post } from './hosts.js'

for (const [version, express] of expresses) {
  describe(`a body that flows before it is tracked, Express ${version}`, () => {
    const hosts = new Hosts()
    const start = hosts.start.bind(hosts, express)
    afterEach(() => hosts.end())

    const plans: [string, Partial<UsageOptions>][] = [
      ['under the plans there are', {}],
      ['without limits', { plans: { free: { limits: [] } } }],
      ['without a spool', { spool: false }],
    ]
    for (const [name, options] of plans) {
      it(`gets the whole body although something before reads along, ${name}`, async () => {
        const { url } = await start((app, usage) => {
          app.use((req, _res, next) => {
            req.on('data', () => undefined)
            next()
          })
          app.use(usage.track())
          app.post(
            '/ai/chat',
            express.json(),
            (req, res) => void res.json({ body: req.body as unknown }),
          )
          app.post('/ai/upload', (req, res) => {
            let bytes = 0
            req.on('data', (chunk: Buffer) => (bytes += chunk.length))
            req.on('end', () => res.json({ bytes }))
          })
        }, options)
        for (let i = 0; i < 3; i++) {
          assert.deepEqual(await (await post(`${url}/ai/chat`)).json(), {
            body: { message: 'hello' },
          })
          const large = await post(`${url}/ai/upload`, new Uint8Array(3_000_000))
          assert.deepEqual(await large.json(), { bytes: 3_000_000 })
        }
      })
    }

    it('gets the whole body also when it has stood in line', async () => {
      const { url } = await start((app, usage) => {
        app.use((req, _res, next) => {
          req.on('data', () => undefined)
          next()
        })
        app.use(usage.prioritize({ concurrency: 1 }), usage.track(), express.json())
        app.post('/ai/chat', (req, res) => void res.json({ body: req.body as unknown }))
      })
      const sent = Array.from({ length: 5 }, (_, index) => ({ message: String(index) }))
      const asked = sent.map((body) => post(`${url}/ai/chat`, JSON.stringify(body)))
      const heard = await Promise.all((await Promise.all(asked)).map((answer) => answer.json()))
      assert.deepEqual(
        heard,
        sent.map((body) => ({ body })),
      )
    })

    it('may refuse what flows already, and the connection goes on', async () => {
      const { url } = await start(
        (app, usage) => {
          app.use((req, _res, next) => {
            req.on('data', () => undefined)
            next()
          })
          app.use(usage.track())
          app.post('/ai/chat', answers)
        },
        { anonymous: 'refuse' },
      )
      for (let i = 0; i < 3; i++) {
        const body = new Uint8Array(1_000_000)
        const { status } = await fetch(`${url}/ai/chat`, { method: 'POST', body })
        assert.equal(status, 401)
      }
      assert.equal((await post(`${url}/ai/chat`)).status, 200)
    })
  })
}
