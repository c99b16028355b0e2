import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { PrioritizeOptions } from '../../src/index.js'
import { bearer } from '../helpers/app.js'
import { frameworks, type Framework } from '../tap/stand.js'
import { mountChat, startStand, userOf, type Stand } from './stand.js'
import { until } from '../helpers/until.js'

const kinds = Object.keys(frameworks) as Framework[]
for (const framework of kinds) {
  describe(`prioritize on ${framework}`, () => {
    let stand: Stand
    before(async () => {
      stand = await startStand(framework)
    })
    after(() => stand.close())
    const open = (options: PrioritizeOptions) =>
      stand.open((app, state) => {
        app.use(stand.usage.track())
        app.use(stand.usage.prioritize(options))
        mountChat(app, state)
      })

    it('calls higher tiers first, users of one tier in turn, and each once', async () => {
      const app = await open({ concurrency: 1 })
      const asked = [await app.ask('holder')]
      for (const user of ['u1', 'u1', 'u2']) asked.push(await app.ask(user))
      for (const tier of ['basic', 'enterprise', 'pro']) {
        asked.push(await app.ask(tier, { claims: { tier } }))
      }
      const order = ['holder', 'enterprise', 'pro', 'basic', 'u1', 'u2', 'u1']
      for (const user of order) await app.answer(user)
      for (const { answer } of asked) assert.equal((await answer).status, 200)
      assert.deepEqual(app.called, order)
    })

    it('runs as many at once as it may', async () => {
      const app = await open({ concurrency: 3 })
      for (let n = 0; n < 5; n++) await app.ask(`many${n}`)
      assert.equal(app.called.length, 3)
      for (let n = 0; n < 5; n++) await app.answer(`many${n}`)
    })

    it('takes a client that leaves out of the queue, and records that nothing was used', async () => {
      const app = await open({ concurrency: 1 })
      const holder = await app.ask('holder')
      const leaving = new AbortController()
      await app.ask('leaver', { signal: leaving.signal })
      const stayer = await app.ask('stayer')
      leaving.abort()
      await until(async () => (await stand.events('leaver')).length === 1)
      await app.answer('holder')
      await app.answer('stayer')
      assert.deepEqual([(await holder.answer).status, (await stayer.answer).status], [200, 200])
      assert.deepEqual(app.called, ['holder', 'stayer'])
      const [event] = await stand.events('leaver')
      assert.deepEqual(
        [event?.status, event?.tokens_used, event?.token_source],
        ['aborted', 0, 'none'],
      )
      assert.ok(event?.queue_wait_ms !== undefined)
    })

    it('frees the slot of a client that leaves while it is served', async () => {
      const app = await open({ concurrency: 1 })
      const leaving = new AbortController()
      await app.ask('left', { signal: leaving.signal })
      const next = await app.ask('next')
      leaving.abort()
      await app.answer('next')
      assert.equal((await next.answer).status, 200)
    })

    it('refuses with 503 overloaded who has waited too long', async () => {
      const app = await open({ concurrency: 1, maxWaitMs: 50 })
      await app.ask('holder')
      const { answer } = await app.ask('patient')
      const response = await answer
      assert.equal(response.status, 503)
      assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/)
      assert.equal(response.headers.get('retry-after'), '1')
      const problem = (await response.json()) as Record<string, unknown>
      assert.deepEqual([problem.status, problem.code], [503, 'overloaded'])
      await app.answer('holder')
      const again = await app.ask('again')
      await app.answer('again')
      assert.equal((await again.answer).status, 200)
      const [event] = await stand.events('patient')
      assert.deepEqual([event?.status_code, event?.token_source], [503, 'none'])
      assert.ok((event?.queue_wait_ms ?? 0) >= 50)
    })

    it('refuses at once when the queue is full', async () => {
      const app = await open({ concurrency: 1, maxQueue: 1 })
      await app.ask('holder')
      const waiter = await app.ask('waiter')
      const refused = await app.ask('late')
      assert.equal((await refused.answer).status, 503)
      assert.ok(Number((await refused.answer).headers.get('retry-after')) >= 1)
      await app.answer('holder')
      await app.answer('waiter')
      assert.equal((await waiter.answer).status, 200)
    })

    it('frees the slot when a handler throws, and when it destroys the response', async () => {
      const app = await stand.open((express, state) => {
        express.use(stand.usage.prioritize({ concurrency: 1 }))
        express.post('/ai/chat', (req, res) => {
          const user = userOf(req)
          state.called.push(user)
          if (user === 'thrower') throw new Error('no')
          if (user === 'destroyer') res.destroy()
          else res.json({ ok: true })
        })
      })
      for (let n = 0; n < 3; n++) {
        assert.equal((await (await app.ask('thrower')).answer).status, 500)
        await assert.rejects((await app.ask('destroyer')).answer)
        assert.equal((await (await app.ask('fine')).answer).status, 200)
      }
    })

    it('records how long each has waited, 0 where it did not', async () => {
      for (const order of ['before', 'after']) {
        const app = await stand.open((express, state) => {
          const both = [stand.usage.prioritize({ concurrency: 1 }), stand.usage.track()]
          express.use(order === 'before' ? both : both.reverse())
          mountChat(express, state)
        })
        const first = await app.ask(`first-${order}`)
        const second = await app.ask(`second-${order}`)
        await until(() => app.called.length === 1)
        await new Promise((resolve) => setTimeout(resolve, 20))
        for (const user of ['first', 'second']) await app.answer(`${user}-${order}`)
        await Promise.all([first.answer, second.answer])
        const [direct] = await stand.events(`first-${order}`)
        const [waited] = await stand.events(`second-${order}`)
        assert.equal(direct?.queue_wait_ms, 0)
        assert.ok((waited?.queue_wait_ms ?? 0) >= 19)
      }
    })

    it('lets everything pass that is no AI operation, and counts all on a route of its own', async () => {
      const app = await stand.open((express, state) => {
        const line = stand.usage.prioritize({ concurrency: 1 })
        express.all(/.*/, (_req, _res, next) => next())
        express.use(line)
        express.post('/own', line, (req, res) => state.hold(userOf(req), res))
        mountChat(express, state)
      })
      await app.ask('chatter')
      const free = await app.ask('anyone', { path: '/free' })
      assert.equal(await (await free.answer).text(), 'free')
      const own = await app.ask('owner', { path: '/own' })
      assert.deepEqual(app.called, ['chatter'])
      await app.answer('chatter')
      await app.answer('owner')
      assert.equal((await own.answer).status, 200)
    })

    it('takes one slot for a request that it meets twice', async () => {
      const app = await stand.open((express, state) => {
        const line = stand.usage.prioritize({ concurrency: 1 })
        express.use(line)
        express.use(line)
        mountChat(express, state)
      })
      const { answer } = await app.ask('twice')
      await app.answer('twice')
      assert.equal((await answer).status, 200)
    })

    it('frees the slots of pipelined requests, in whatever order they are served', async () => {
      const app = await open({ concurrency: 1 })
      const holder = await app.ask('holder')
      const socket = connect(app.port, '127.0.0.1')
      const text = ['poor', 'rich'].map((user) => {
        const { authorization } = bearer(user, { tier: user === 'rich' ? 'pro' : 'free' })
        const head = ['POST /ai/chat HTTP/1.1', 'Host: x', `Authorization: ${authorization}`]
        return [...head, 'Content-Length: 0', '', ''].join('\r\n')
      })
      socket.write(text.join(''))
      let received = ''
      socket.on('data', (chunk: Buffer) => (received += chunk.toString()))
      await until(() => app.arrived === 3)
      for (const user of ['holder', 'rich', 'poor']) await app.answer(user)
      assert.equal((await holder.answer).status, 200)
      await until(() => received.split('HTTP/1.1 200').length === 3)
      // Both at once again; now the connection closes before either has answered.
      socket.write(text.join(''))
      await until(() => app.arrived === 5)
      socket.destroy()
      const last = await app.ask('last')
      await app.answer('last')
      assert.equal((await last.answer).status, 200)
    })
  })
}
