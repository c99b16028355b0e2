import { fakeTimers, realTimers } from '../helpers/fake-timers.js'
import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { systemClock, type Clock } from '../../src/clock.js'
import { leaseMs } from '../../src/limits/desk.js'
import { Limiter } from '../../src/limits/limiter.js'
import type { Plan } from '../../src/limits/plan.js'
import { createStore } from '../../src/store/store.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { until } from '../helpers/until.js'

const plan: Plan = {
  tier: 'test',
  limits: [
    {
      ...{ name: 'daily', metric: 'requests', window: 'day', limit: 1 },
      ...{ enforcement: 'hard', reservation: 'typical' },
    },
  ],
  priority: 0,
  concurrency: null,
  onStoreError: 'closed',
}
const one = { requests: 1, tokens: 0, cost: 0 }

describe('what is held for an operation that runs for long', () => {
  let database: FreshDatabase
  let limiters: Limiter[] = []
  const clock: Clock & { at: number } = {
    at: Date.UTC(2026, 4, 12, 10),
    now: () => clock.at,
    elapsed: () => systemClock.elapsed(),
  }
  before(async () => {
    database = await freshDatabase()
  })
  after(async () => {
    realTimers()
    for (const limiter of limiters) limiter.stop()
    await database.drop()
  })

  it('is confirmed again and again, so that others count it until it has ended', async () => {
    const { counters } = createStore(database.connection, clock)
    fakeTimers('setInterval')
    limiters = [0, 1].map(() => new Limiter(counters, clock, 'UTC'))
    const [mine, other] = limiters as [Limiter, Limiter]
    const answer = await mine.admit('user:a', plan, one)
    assert.ok(answer.outcome === 'admitted')
    const leaseOf = async () => {
      const [counter] = await counters.states(['user:a'])
      return Math.max(...(counter?.parts ?? []).map(({ e }) => e))
    }
    for (let lease = 0; lease < 3; lease++) {
      clock.at += leaseMs - 1
      mock.timers.tick(leaseMs / 3)
      await until(async () => (await leaseOf()) === clock.at + leaseMs)
      assert.equal((await other.admit('user:a', plan, one)).outcome, 'refused')
    }
    mine.settle(answer.reservation, { requests: 0, tokens: 0, cost: 0 })
    await mine.flush()
    assert.equal((await other.admit('user:a', plan, one)).outcome, 'admitted')
  })
})
