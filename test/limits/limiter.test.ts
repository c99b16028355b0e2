import assert from 'node:assert/strict'
import { systemClock, type Clock } from '../../src/clock.js'
import { Limiter, type Admission } from '../../src/limits/limiter.js'
import type { Limit, Plan } from '../../src/limits/plan.js'
import { createStore } from '../../src/store/store.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'

const limit = (more: Partial<Limit>): Limit => ({
  name: 'daily',
  metric: 'requests',
  window: 'day',
  limit: 50,
  enforcement: 'hard',
  reservation: 'typical',
  ...more,
})

const plan = (limits: readonly Limit[], more: Partial<Plan> = {}): Plan => ({
  tier: 'test',
  limits,
  priority: 0,
  concurrency: null,
  onStoreError: 'closed',
  ...more,
})

const one = { requests: 1, tokens: 0, cost: 0 }

describe('limits over two instances', () => {
  let database: FreshDatabase
  let limiters: Limiter[]
  let clock: Clock & { shift: number }
  let subjects = 0
  before(async () => {
    database = await freshDatabase()
    clock = {
      shift: 0,
      now: () => systemClock.now() + clock.shift,
      elapsed: () => systemClock.elapsed(),
    }
    const store = createStore(database.connection, clock)
    await store.prepare()
    limiters = [0, 1].map(() => new Limiter(store.counters, clock, 'UTC'))
  })
  after(async () => {
    for (const limiter of limiters) limiter.stop()
    await database.drop()
  })

  const askAll = (subject: string, under: Plan, count: number, amount = one) =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        limiters[index % 2]?.admit(subject, under, amount),
      ),
    )
  const admitted = (all: readonly (Admission | undefined)[]) =>
    all.filter((each) => each?.outcome === 'admitted').length

  it('admits exactly 50 of 1,000 at once, and answers all within 2 s', async () => {
    for (let run = 0; run < 5; run++) {
      const began = performance.now()
      const all = await askAll(`user:${(subjects += 1)}`, plan([limit({})]), 1_000)
      assert.ok(performance.now() - began < 2_000)
      assert.equal(admitted(all), 50)
      assert.equal(all.filter((each) => each?.outcome === 'refused').length, 950)
    }
  })
})
