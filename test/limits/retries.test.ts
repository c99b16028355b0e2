import assert from 'node:assert/strict'
import type { UsageEvent } from '../../src/index.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import { startSpender } from './spender.js'

interface Quota {
  limits: { name: string; used: number; held: number }[]
}

const limits = [
  { name: 'requests', metric: 'requests', window: 'day', limit: 3 },
  { name: 'tokens', metric: 'tokens', window: 'month', limit: 1_000 },
] as const

describe('retries that the host answers from memory', () => {
  let app: TestApp
  before(async () => {
    app = await startSpender({
      plans: { free: { limits } },
      idempotencyKey: (req) => req.get('idempotency-key'),
    })
  })
  after(() => app.close())

  const ask = async (user: string, key?: string, query = 'tokens=100') => {
    const headers = { ...bearer(user), ...(key !== undefined && { 'idempotency-key': key }) }
    const response = await fetch(`${app.url}/ai/chat?${query}`, { method: 'POST', headers })
    await response.text()
    return response.status
  }
  const standing = async (user: string) => {
    await app.usage.flush()
    const quota = await app.as<Quota>(user, '/me/quota')
    return quota.limits.map(({ used, held }) => [used, held])
  }
  const logged = (user: string, status: UsageEvent['status']) => {
    const logs = app.database.connection.collection<UsageEvent>('usage_logs')
    return logs.countDocuments({ user_id: user, status })
  }

  it('count once in a plan, as in the log, however often they come', async () => {
    for (let time = 0; time < 5; time++) {
      assert.equal(await ask('alice', 'one'), 200)
      assert.deepEqual(await standing('alice'), [
        [1, 0],
        [100, 0],
      ])
    }
    await Promise.all([ask('alice', 'two'), ask('alice', 'two')])
    assert.deepEqual(await standing('alice'), [
      [2, 0],
      [200, 0],
    ])
    assert.equal(await logged('alice', 'ok'), 2)
  })

  it('are others under other keys, and of other users', async () => {
    assert.deepEqual(
      [await ask('bob', 'one'), await ask('bob', 'two'), await ask('bob')],
      [200, 200, 200],
    )
    assert.deepEqual(await standing('bob'), [
      [3, 0],
      [300, 0],
    ])
  })

  it('are none of a request that the plan refused: its retry is logged', async () => {
    for (const key of ['one', 'two', 'three']) assert.equal(await ask('carol', key), 200)
    assert.equal(await ask('carol', 'four'), 429)
    const settings = { overrides: [{ name: 'requests', limit: 10 }] }
    const { status } = await app.send('PATCH', '/users/carol', settings)
    assert.equal(status, 200)
    assert.equal(await ask('carol', 'four'), 200)
    await app.usage.flush()
    assert.equal(await logged('carol', 'ok'), 4)
    assert.equal(await logged('carol', 'blocked'), 1)
  })

  it('are none of a request that failed before it used anything: its retry is logged, and counts', async () => {
    for (let time = 0; time < 2; time++) assert.equal(await ask('erin', 'one', 'fails=1'), 502)
    for (let time = 0; time < 2; time++) assert.equal(await ask('erin', 'one'), 200)
    assert.deepEqual(await standing('erin'), [
      [1, 0],
      [100, 0],
    ])
    assert.equal(await logged('erin', 'error'), 2)
    assert.equal(await logged('erin', 'ok'), 1)
  })

  it('are none of a request whose turn did not come: its retry is logged', async () => {
    let goOn = () => {}
    let began = () => {}
    const isRunning = new Promise<void>((resolve) => (began = resolve))
    const busy = await startApp(
      (host, usage) => {
        host.use(usage.prioritize({ concurrency: 1, maxQueue: 0 }))
        host.post('/ai/qa', (_req, res) => {
          goOn = () => void res.json({})
          began()
        })
        host.post('/ai/chat', (_req, res) => void res.json({}))
      },
      { idempotencyKey: (req) => req.get('idempotency-key') },
    )
    const send = async (path: string) => {
      const headers = { ...bearer('dora'), 'idempotency-key': path }
      const response = await fetch(`${busy.url}${path}`, { method: 'POST', headers })
      await response.text()
      return response.status
    }
    const running = send('/ai/qa')
    await isRunning
    assert.equal(await send('/ai/chat'), 503)
    goOn()
    assert.equal(await running, 200)
    assert.equal(await send('/ai/chat'), 200)
    await busy.usage.flush()
    const logs = busy.database.connection.collection<UsageEvent>('usage_logs')
    const ended = await logs.find({ user_id: 'dora', endpoint: '/ai/chat' }).toArray()
    assert.deepEqual(ended.map(({ status_code }) => status_code).toSorted(), [200, 503])
    await busy.close()
  })
})
