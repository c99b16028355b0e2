import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { createUsage, type Usage, type UsageNotices } from '../../src/index.js'
import { secret, type TestApp } from '../helpers/app.js'
import { spend, startSpender } from './spender.js'
import { until } from '../helpers/until.js'

type Notice = UsageNotices[keyof UsageNotices]
const types = ['threshold', 'limit', 'blocked', 'unpriced'] as const

describe('usage.on', function () {
  this.timeout(20_000)
  let app: TestApp
  let other: Usage
  let ahead = 0
  let told: Notice[]
  const clock = {
    now: () => Date.UTC(2026, 5, 11) + systemClock.elapsed() + ahead,
    elapsed: () => systemClock.elapsed(),
  }
  const limits = [{ name: 'daily', metric: 'requests', window: 'day', limit: 2 }] as const
  const plans = { free: { limits, budget: { limitUsd: 10 } } }
  beforeEach(async () => {
    ahead = 0
    told = []
    app = await startSpender({ plans, clock })
    const { uri } = app.database
    other = createUsage({ mongoUri: uri, auth: { secret, algorithms: ['HS256'] }, plans, clock })
    await other.ready()
    for (const usage of [app.usage, other]) {
      for (const type of types) usage.on(type, (notice: Notice) => void told.push(notice))
    }
  })
  afterEach(async () => {
    await other.close()
    await app.close()
  })

  const of = <T extends keyof UsageNotices>(type: T) =>
    told.filter((notice): notice is UsageNotices[T] => notice.type === type)

  it('tells each threshold once, over all instances', async () => {
    await spend(app, 'alice', { usd: 8 })
    await until(() => of('threshold').length >= 2)
    const event = { user_id: 'alice', operation_type: 'job', cost_usd: 2.5, input_tokens: 1 }
    await Promise.all([other.record(event), app.usage.record({ ...event, cost_usd: 0 })])
    await until(() => of('threshold').length >= 4)
    const reached = of('threshold').toSorted((a, b) => a.threshold - b.threshold)
    assert.deepEqual(
      reached.map((one) => one.threshold),
      [50, 75, 90, 100],
    )
    const [first] = reached
    assert.ok(first)
    const { at: _, ...facts } = first
    assert.deepEqual(facts, {
      ...{ type: 'threshold', threshold: 50, scope: 'user', user_id: 'alice' },
      ...{ name: 'budget-month', metric: 'cost', window: 'month', enforcement: 'soft' },
      ...{ limit: 10, used: 8 },
      period_start: new Date('2026-06-01'),
      period_end: new Date('2026-07-01'),
    })
  })

  it('tells once that a limit refuses, and again in its next window', async () => {
    for (let times = 0; times < 5; times++) await spend(app, 'bob', {})
    await until(() => of('limit').length >= 1)
    await other.record({ user_id: 'bob', operation_type: 'job' })
    await other.close()
    assert.deepEqual(
      of('limit').map((one) => [one.name, one.user_id, one.used, one.enforcement]),
      [['daily', 'bob', 2, 'hard']],
    )
    ahead = 86_400_000
    for (let times = 0; times < 3; times++) await spend(app, 'bob', {})
    await until(() => of('limit').length >= 2)
  })

  it('tells once that a blocked account tries, and why it is blocked', async () => {
    await app.send('PATCH', '/users/carol', { blocked: { reason: 'Chargeback' } })
    for (let times = 0; times < 3; times++)
      assert.equal((await spend(app, 'carol', {})).status, 403)
    await until(() => of('blocked').length >= 1)
    await app.send('PATCH', '/users/carol', { blocked: null })
    await app.send('PATCH', '/users/carol', { blocked: { reason: 'Again' } })
    await spend(app, 'carol', {})
    await until(() => of('blocked').length >= 2)
    assert.deepEqual(
      of('blocked').map(({ user_id, reason }) => [user_id, reason]),
      [
        ['carol', 'Chargeback'],
        ['carol', 'Again'],
      ],
    )
  })

  it('tells once a day of a model without a price', async () => {
    const event = { user_id: 'dave', operation_type: 'job', input_tokens: 5, model: 'own-model' }
    for (let times = 0; times < 3; times++) await app.usage.record(event)
    await other.record(event)
    await until(() => of('unpriced').length >= 1)
    ahead = 86_400_000
    await other.record(event)
    await until(() => of('unpriced').length >= 2)
    assert.deepEqual(
      of('unpriced').map(({ model }) => model),
      ['own-model', 'own-model'],
    )
  })

  it('goes on when a listener throws, stops on demand, and refuses other types', async () => {
    const heard: string[] = []
    app.usage.on('limit', () => assert.fail('on purpose'))
    const stop = app.usage.on('limit', () => heard.push('stopped'))
    app.usage.on('limit', () => heard.push('kept'))
    stop()
    await other.close()
    for (let times = 0; times < 3; times++) await spend(app, 'erin', {})
    await until(() => heard.length > 0)
    assert.deepEqual(heard, ['kept'])
    assert.throws(() => app.usage.on('quota' as never, () => undefined), { code: 'invalid_option' })
  })
})
