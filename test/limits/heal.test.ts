import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { Calendar } from '../../src/limits/windows.js'
import { Healing } from '../../src/limits/healing.js'
import { createStore, type Store } from '../../src/store/store.js'
import type { TestApp } from '../helpers/app.js'
import { run } from '../scripts/support.js'
import { spend, startSpender, usedBy } from './spender.js'

const limits = [
  { name: 'requests', metric: 'requests', window: 'day', limit: 100 },
  { name: 'tokens', metric: 'tokens', window: 'month', limit: 10_000 },
  { name: 'cost', metric: 'cost', window: 'month', limit: 5 },
] as const

const lifetime = { name: 'ever', metric: 'tokens', window: 'lifetime', limit: 1_000 } as const

describe('counters of limits and the log', function () {
  this.timeout(60_000)
  let app: TestApp
  let store: Store
  let healing: Healing
  let ahead = 0
  // Noon on a day in the middle of a month: hours later it is the same day.
  const start = Date.UTC(2026, 5, 11, 12)
  const began = systemClock.elapsed()
  const clock = {
    now: () => start + systemClock.elapsed() - began + ahead,
    elapsed: () => systemClock.elapsed(),
  }
  beforeEach(async () => {
    ahead = 0
    const plans = { free: { limits }, trial: { limits: [lifetime] } }
    app = await startSpender({ plans, clock, rollup: { enabled: false } })
    store = createStore(app.database.connection, clock)
    healing = new Healing({ store, clock, calendarOf: () => new Calendar('UTC') })
  })
  afterEach(() => app.close())

  const used = (user: string) => usedBy(app, user)
  const logs = () => app.database.connection.collection('usage_logs')
  const restFor = async (ms: number) => {
    // What is settled is said within moments.
    await used('alice')
    ahead += ms
    await healing.run()
  }

  it('agree by themselves', async () => {
    await spend(app, 'alice', { tokens: 100, usd: 0.5 })
    await spend(app, 'alice', { tokens: 50, usd: 0.25 })
    await restFor(61_000)
    assert.deepEqual(await used('alice'), [2, 150, 0.75])
  })

  it('agree again when the log has more, once the counter has come to rest', async () => {
    await spend(app, 'alice', { tokens: 100, usd: 0.5 })
    await logs().updateOne({ user_id: 'alice' }, { $set: { tokens_used: 130, cost_nano_usd: 9e8 } })
    await restFor(30_000)
    assert.deepEqual(await used('alice'), [1, 100, 0.5])
    await restFor(61_000)
    assert.deepEqual(await used('alice'), [1, 130, 0.9])
    await spend(app, 'alice', { tokens: 1, usd: 0.1 })
    assert.deepEqual(await used('alice'), [2, 131, 1])
  })

  it('agree again when the log has less, after an hour: events may be on their way to it', async () => {
    await spend(app, 'alice', { tokens: 100, usd: 0.5 })
    await logs().deleteMany({ user_id: 'alice' })
    await restFor(61_000)
    assert.deepEqual(await used('alice'), [1, 100, 0.5])
    await restFor(3_600_000)
    assert.deepEqual(await used('alice'), [0, 0, 0])
  })

  it('are left alone while something runs', async () => {
    await spend(app, 'alice', { tokens: 100 })
    const counters = app.database.connection.collection<{ _id: string }>('usage_counters')
    await logs().deleteMany({ user_id: 'alice' })
    await used('alice')
    const holding = { 'parts.$[].hr': 1, 'parts.$[].e': clock.now() + 10 * 3_600_000 }
    await counters.updateOne({ _id: 'user:alice' }, { $set: holding })
    await restFor(2 * 3_600_000)
    assert.deepEqual(await used('alice'), [1, 100, 0])
  })

  it('agree again over a lifetime as long as the log is kept for good', async () => {
    await app.send('PATCH', '/users/erin', { tier: 'trial' })
    await spend(app, 'erin', { tokens: 100 })
    const event = await logs().findOne({ user_id: 'erin' })
    const long = { _id: 'long-ago' as never, timestamp: new Date('2020-02-02T02:02:02Z') }
    await logs().insertOne({ ...event, ...long, tokens_used: 30 })
    const rest = async (ms: number) => {
      await used('erin')
      await restFor(ms)
      return used('erin')
    }
    assert.deepEqual(await rest(61_000), [130])
    await logs().deleteMany({ _id: 'long-ago' as never })
    assert.deepEqual(await rest(61_000), [130])
    const state = app.database.connection.collection<{ _id: string }>('usage_rollup_state')
    const horizon = new Date('2026-05-01T00:00:00Z')
    await state.updateOne({ _id: 'rollup' }, { $set: { horizon } }, { upsert: true })
    assert.deepEqual(await rest(3_600_000), [130])
    await state.updateOne({ _id: 'rollup' }, { $unset: { horizon: 1 } })
    await spend(app, 'erin', { tokens: 1 })
    assert.deepEqual(await rest(3_600_000), [101])
  })

  it('are compared and put right by npm run verify -- --limits', async () => {
    const env = { MONGODB_URI: app.database.uri }
    ahead = Date.now() - clock.now()
    await spend(app, 'bob', { tokens: 7 })
    await used('bob')
    await logs().updateOne({ user_id: 'bob' }, { $set: { tokens_used: 9 } })
    const rest = async (ms: number) => {
      const counters = app.database.connection.collection<{ _id: string }>('usage_counters')
      const updated_at = new Date(Date.now() - ms)
      await counters.updateOne({ _id: 'user:bob' }, { $set: { updated_at } })
    }
    const busy = await run('verify', ['--limits'], env)
    assert.match(busy.stdout, /^1 counters of limits: 0 differ from the log, 1 in use/m)
    await rest(120_000)
    const found = await run('verify', ['--limits'], env)
    assert.equal(found.code, 1, found.stderr)
    assert.match(found.stdout, /^user:bob month@[\d-]+: tokens 7 counted, 9 logged$/m)
    const repaired = await run('verify', ['--limits', '--repair'], env)
    assert.match(repaired.stdout, /^1 counters of limits: 1 put right\.$/m)
    assert.deepEqual(await used('bob'), [1, 9, 0])
    await rest(120_000)
    const right = await run('verify', ['--limits'], env)
    assert.deepEqual(
      [right.code, right.stdout.trim()],
      [0, '1 counters of limits: 0 differ from the log.'],
    )
    const wrong = await run('verify', ['--limits', '--timezone', 'Mars'], env)
    assert.deepEqual([wrong.code, wrong.stderr.trim()], [1, '--timezone must be an IANA time zone'])
  })

  it('of a budget that has gone are no difference, and go on where it comes again', async () => {
    const spent = async (body: Record<string, unknown>) => {
      const { body: made } = await app.send('POST', '/budgets', body)
      return (made.state as { used_usd: number }).used_usd
    }
    ahead = Date.now() - clock.now()
    const budget = { scope: 'global', limit_usd: 100 }
    await spent(budget)
    await spend(app, 'gil', { usd: 1 })
    await used('gil')
    await app.send('DELETE', '/budgets/global%40month')
    await spend(app, 'gil', { usd: 2 })
    const counters = app.database.connection.collection<{ _id: string }>('usage_counters')
    const rested = { $set: { updated_at: new Date(Date.now() - 120_000) } }
    await used('gil')
    await counters.updateMany({}, rested)
    const verified = await run('verify', ['--limits'], { MONGODB_URI: app.database.uri })
    assert.equal(verified.code, 0, verified.stdout)
    assert.equal(await spent(budget), 3)
    await spend(app, 'gil', { usd: 4 })
    const { body: now } = await app.send('GET', '/budgets/global%40month')
    assert.equal((now.state as { used_usd: number }).used_usd, 7)
  })

  it('count what was spent before there was a budget', async () => {
    for (const user of ['carol', 'dave']) {
      await app.usage.record({
        ...{ user_id: user, org_id: 'acme', operation_type: 'job' },
        ...{ input_tokens: 1, cost_usd: 2 },
      })
    }
    await app.usage.flush()
    const body = { scope: 'org', org_id: 'acme', limit_usd: 10 }
    const made = await app.send('POST', '/budgets', body)
    assert.equal((made.body.state as { used_usd: number }).used_usd, 4)
    await spend(app, 'carol', { usd: 1 }, { org: 'acme' })
    const { body: now } = await app.send('GET', '/budgets/org%3Aacme%40month')
    assert.equal((now.state as { used_usd: number }).used_usd, 5)
  })
})
