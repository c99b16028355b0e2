import assert from 'node:assert/strict'
import fc from 'fast-check'
import { systemClock, type Clock } from '../../src/clock.js'
import { Limiter } from '../../src/limits/limiter.js'
import type { Limit, Plan } from '../../src/limits/plan.js'
import { createStore, type Store } from '../../src/store/store.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { Fleet, type Step } from './fleet.js'

const numRuns = 60 * Number(process.env.LIMIT_RUNS ?? 1)

const at = fc.nat(2)
const which = fc.nat(50)
const tokens = fc.integer({ min: 0, max: 400 })
const count = fc.integer({ min: 1, max: 6 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('ask' as const), at, tokens, count }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('storm' as const), at, tokens, count }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      which,
      part: fc.constantFrom(0, 0.1, 0.5, 1, 1.5),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), at }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.constantFrom(1_000, 10_000, 29_999, 30_000),
    }),
  },
)

const daily = { window: 'day', enforcement: 'hard' } as const
const requests: Limit = {
  ...daily,
  name: 'r',
  metric: 'requests',
  limit: 12,
  reservation: 'typical',
}
const strict: Limit = { ...daily, name: 's', metric: 'tokens', limit: 2_000, reservation: 'strict' }
const typical: Limit = { ...strict, name: 't', reservation: 'typical' }
const planOf = (limits: readonly Limit[]): Plan => ({
  tier: 'test',
  limits,
  priority: 0,
  concurrency: null,
  onStoreError: 'closed',
})

describe(`limits of several instances, in ${numRuns} random interleavings`, function () {
  this.timeout(60_000 + numRuns * 500)
  let database: FreshDatabase
  let store: Store
  let subjects = 0
  const start = Date.UTC(2026, 4, 12, 10)
  const clock: Clock & { at: number } = {
    at: start,
    now: () => clock.at,
    elapsed: () => systemClock.elapsed(),
  }
  before(async () => {
    database = await freshDatabase()
    store = createStore(database.connection, clock)
    await store.prepare()
  })
  after(() => database.drop())

  for (const [name, limits] of Object.entries({
    requests: [requests],
    'tokens, strictly': [strict],
    'tokens, typically': [typical],
    'requests and tokens': [requests, strict, typical],
  }))
    it(`refuse nothing that has room, let nothing through that has none, and add up: ${name}`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 5, maxLength: 30 }),
          fc.integer({ min: 2, max: 3 }),
          async (steps, size) => {
            clock.at = start
            const subject = `user:${(subjects += 1)}`
            const { counters } = store
            const fleet = new Fleet({ counters, clock, plan: planOf(limits), subject, size })
            try {
              for (const one of steps) await fleet.take(one)
              await fleet.finish()
            } finally {
              fleet.stop()
            }
          },
        ),
        { numRuns: Math.ceil(numRuns / 4) },
      ))

  it('never refuse a user at 99 % who uses less than is held', async () => {
    const plan = planOf([{ ...typical, limit: 10_000 }])
    const [one, two] = [0, 1].map(() => new Limiter(store.counters, clock, 'UTC'))
    assert.ok(one && two)
    const use = async (limiter: Limiter, held: number, spent: number) => {
      const answer = await limiter.admit('user:nearly', plan, {
        requests: 1,
        tokens: held,
        cost: 0,
      })
      if (answer.outcome !== 'admitted') return answer.outcome
      limiter.settle(answer.reservation, { requests: 1, tokens: spent, cost: 0 })
      await limiter.flush()
      return answer.outcome
    }
    await use(one, 9_900, 9_900)
    for (let index = 0; index < 100; index++)
      assert.equal(await use(index % 2 === 0 ? two : one, 500, 1), 'admitted', String(index))
    assert.equal(await use(two, 1, 1), 'refused')
    for (const limiter of [one, two]) limiter.stop()
  })
})
