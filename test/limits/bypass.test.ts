import assert from 'node:assert/strict'
import { frameworks, type Framework } from '../tap/stand.js'
import { exchange, requestText } from '../tap/wire.js'
import {
  four,
  mountHost,
  nextUser,
  noting,
  options,
  routed,
  statusesOf,
  unrouted,
} from './bypass-host.js'
import { startStand, type App, type Stand } from './stand.js'

for (const framework of Object.keys(frameworks) as Framework[])
  describe(`a limit of two requests a day, ${framework}`, () => {
    let stand: Stand
    let app: App
    before(async () => {
      stand = await startStand(framework, options)
      app = await stand.open((host, state) => mountHost(host, state, stand.usage, framework))
    })
    after(() => stand.close())

    const meets = async (line: string, headers?: Record<string, string>, at = app) => {
      const { user, statuses, ran } = await four(at, line, headers)
      assert.deepEqual([statuses, ran], [[200, 200, 429, 429], 2], line)
      const events = await stand.events(user)
      const told = events.map(({ status }) => status)
      assert.deepEqual(told, ['ok', 'ok', 'blocked', 'blocked'], line)
    }
    const runsNothing = async (line: string) => {
      const { user, statuses, ran } = await four(app, line)
      assert.equal(ran, 0, line)
      assert.ok(!statuses.includes(429), `${line}: ${String(statuses)}`)
      for (const event of await stand.events(user)) assert.equal(event.tokens_used, 0, line)
    }

    for (const target of routed(framework))
      it(`holds for POST ${target}`, () => meets(`POST ${target}`))

    for (const target of unrouted(framework))
      it(`takes nothing for POST ${target}, which is no route`, () => runsNothing(`POST ${target}`))

    it('holds for HEAD where GET is served', async () => {
      for (const line of ['GET /read', 'HEAD /read', 'HEAD /ai/qa', 'HEAD /ai/qa#'])
        await meets(line)
    })

    it('holds for methods that few know', async () => {
      for (const method of ['PUT', 'PATCH', 'DELETE', 'PURGE', 'LOCK'])
        await meets(`${method} /any`)
    })

    it('counts OPTIONS where the host says that it is an operation, else it runs nothing', async () => {
      await meets('OPTIONS /asked')
      await runsNothing('OPTIONS /ai/chat')
    })

    it('holds whatever method a header names', async () => {
      for (const name of ['x-http-method', 'x-method-override'])
        await meets('POST /ai/chat', { [name]: 'OPTIONS' })
      for (const method of ['GET', 'HEAD'])
        await meets('POST /ai/qa', { 'x-http-method-override': method })
    })

    it('holds for a request that waits to be told to go on', () =>
      meets('POST /ai/chat', { expect: '100-continue' }))

    it('holds for requests that are pipelined on one connection', async () => {
      const user = nextUser()
      const one = { user, path: '/ai/chat', method: 'POST', body: '' }
      const text = requestText({ ...one, last: false }).repeat(5) + requestText(one)
      const statuses = statusesOf(await exchange(app, text))
      assert.deepEqual(statuses.toSorted(), [200, 200, 429, 429, 429, 429])
      assert.equal(app.called.filter((name) => name === user).length, 2)
    })

    it('holds for what only looks like the usage API', async () => {
      const all = await startStand(framework, {
        ...options,
        operations: [{ path: '/ai/*rest', type: 'all' }],
      })
      const open = await all.open((host, state) => {
        host.use(all.usage.track())
        host.use('/ai/usage', all.usage.router())
        host.use('/ai', noting(state))
      })
      for (const path of ['/ai//usage/x', '/ai/us%61ge/x', '/ai/usage%2fx', '/ai/usages']) {
        const { statuses } = await four(open, `POST ${path}`)
        assert.deepEqual(statuses, [200, 200, 429, 429], path)
      }
      const { statuses, ran } = await four(open, 'GET /AI/usage/me')
      assert.deepEqual([statuses, ran], [[200, 200, 200, 200], 0])
      await all.close()
    })
  })
