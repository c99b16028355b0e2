import assert from 'node:assert/strict'
import fc from 'fast-check'
import { systemClock, type Clock } from '../../src/clock.js'
import type { Amount } from '../../src/limits/amount.js'
import { Limiter, type Answered, type Reservation } from '../../src/limits/limiter.js'
import type { Limit, Plan } from '../../src/limits/plan.js'
import { createStore } from '../../src/store/store.js'
import { dayMs, floorTo } from '../../src/time.js'
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
    // Tomorrow's noon: no day ends while leases are left to expire, and MongoDB's clock is not ahead.
    const noon = floorTo(systemClock.now(), dayMs) + 1.5 * dayMs
    clock = {
      shift: noon - systemClock.now(),
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
      Array.from({ length: count }, async (_, index) =>
        limiters[index % 2]?.admit(subject, under, amount),
      ),
    )
  const settle = (index: number, answer: Answered | undefined, used: Amount) => {
    if (answer?.outcome === 'admitted') limiters[index % 2]?.settle(answer.reservation, used)
  }
  const admitted = (all: readonly (Answered | undefined)[]) =>
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

  for (const metric of ['tokens', 'cost'] as const) {
    it(`never passes a strict limit of ${metric}`, async () => {
      const strict = plan([limit({ metric, limit: 5_000, reservation: 'strict' })])
      const subject = `user:${(subjects += 1)}`
      const all = await askAll(subject, strict, 400, { requests: 1, tokens: 300, cost: 300 })
      assert.equal(admitted(all), 16)
    })
  }

  it('refuses nobody for tokens that are only held, and counts what is passed', async () => {
    const typical = plan([limit({ metric: 'tokens', limit: 1_000 })])
    const subject = `user:${(subjects += 1)}`
    const all = await askAll(subject, typical, 5, { requests: 1, tokens: 900, cost: 0 })
    assert.equal(admitted(all), 5)
    for (const [index, each] of all.entries())
      settle(index, each, { requests: 1, tokens: 300, cost: 0 })
    await Promise.all(limiters.map((each) => each.flush()))
    const [now] = (await limiters[0]?.look(subject, typical)) ?? []
    assert.equal(now?.used, 1_500)
    assert.equal(now.held, 0)
    assert.equal(admitted(await askAll(subject, typical, 2)), 0)
  })

  it('frees what a dead instance held once its lease is over', async () => {
    const store = createStore(database.connection, clock)
    const doomed = new Limiter(store.counters, clock, 'UTC')
    const subject = `user:${(subjects += 1)}`
    const daily = plan([limit({})])
    const held = Array.from({ length: 200 }, () => doomed.admit(subject, daily, one))
    assert.equal(admitted(await Promise.all(held)), 50)
    // It never settles, and nobody confirms its holds any more.
    doomed.stop()
    assert.equal(admitted(await askAll(subject, daily, 10)), 0)
    clock.shift += 31_000
    assert.equal(admitted(await askAll(subject, daily, 60)), 50)
  })

  it('agrees with a plain count in any interleaving of ask, settle, release and crash', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const store = createStore(database.connection, clock)
        const instances = [0, 1].map(() => new Limiter(store.counters, clock, 'UTC'))
        const subject = `user:${(subjects += 1)}`
        const tokens = plan([limit({ metric: 'tokens', limit: 1_000 })])
        const running: { at: number; reservation: Reservation }[] = []
        let used = 0
        for (const { what, at, amount } of steps) {
          if (what === 'ask') {
            await Promise.all(instances.map((each) => each.flush()))
            const answer = await instances[at]?.admit(subject, tokens, {
              requests: 1,
              tokens: 500,
              cost: 0,
            })
            // Whoever has settled less than the limit is never refused, whoever has not always.
            assert.ok(answer)
            assert.equal(answer.outcome, used < 1_000 ? 'admitted' : 'refused')
            if (answer.outcome === 'admitted') running.push({ at, reservation: answer.reservation })
          } else if (what === 'crash') {
            // What it had settled was said a moment later.
            await instances[at]?.flush()
            instances[at]?.stop()
            instances[at] = new Limiter(store.counters, clock, 'UTC')
            for (let index = running.length - 1; index >= 0; index--)
              if (running[index]?.at === at) running.splice(index, 1)
          } else if (what === 'expire') clock.shift += 31_000
          else {
            const one = running.shift()
            const spent = what === 'settle' ? amount : 0
            if (one)
              instances[one.at]?.settle(one.reservation, { requests: 1, tokens: spent, cost: 0 })
            if (one) used += spent
          }
        }
        await Promise.all(instances.map((each) => each.flush()))
        const [now] = (await instances[0]?.look(subject, tokens)) ?? []
        assert.equal(now?.used, used)
        for (const each of instances) each.stop()
      }),
      { numRuns: 40 },
    )
  })
})

const step = fc.record({
  what: fc.constantFrom('ask', 'ask', 'settle', 'settle', 'release', 'crash', 'expire'),
  at: fc.constantFrom(0, 1),
  amount: fc.integer({ min: 0, max: 400 }),
})

describe('limits while the store does not answer', () => {
  const never = () => new Promise<never>(() => undefined)
  const hung = { move: never, say: never, find: () => Promise.resolve(new Map()) }

  for (const onStoreError of ['open', 'closed'] as const) {
    it(`cost 250 ms once and nothing after that, ${onStoreError}`, async () => {
      const limiter = new Limiter(hung, systemClock, 'UTC')
      const under = plan([limit({})], { onStoreError })
      const expected = onStoreError === 'open' ? 'degraded' : 'unavailable'
      const began = performance.now()
      assert.equal((await limiter.admit('user:a', under, one)).outcome, expected)
      const took = performance.now() - began
      assert.ok(took >= 200 && took < 400, `${took} ms`)
      const again = performance.now()
      assert.equal((await limiter.admit('user:b', under, one)).outcome, expected)
      assert.ok(performance.now() - again < 5)
      limiter.stop()
    })
  }
})
