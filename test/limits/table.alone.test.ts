import assert from 'node:assert/strict'
import type { UsageEvent } from '../../src/index.js'
import type { CounterDoc } from '../../models/counter.js'
import {
  combinations,
  costNanoUsd,
  each,
  enforcements,
  limitOf,
  modes,
  resetOf,
  stores,
  userOf,
  verdictsOf,
  type Combination,
  type Store,
  type Verdict,
} from './table.js'
import { checkTold, servedOf } from './table-checks.js'
import { startWorld, type Told, type World } from './table-world.js'

const throttleMs = 10_000
const isPaced = ({ metric, window, enforcement }: Combination) =>
  metric === 'tokens' && window === 'minute' && enforcement === 'throttle'

describe('every metric, window, enforcement, state of the store and onStoreError', function () {
  this.timeout(60_000)
  let world: World
  const told = new Map<string, Told[]>()
  const quotas = new Map<string, Record<string, unknown>>()
  const outages = new Map<Store, Told[]>()
  /** Meanwhile, of users nobody limits. */
  const free = new Map<Store, Told[]>()
  let logs: UsageEvent[]
  let counters: CounterDoc[]

  const ask = async (store: Store, one: Combination) => {
    const user = userOf(store, one)
    const answer = await world.ask(user, one.tier)
    told.set(user, [...(told.get(user) ?? []), answer])
    return answer
  }
  /** All at once; those that keep a pace wait ten seconds, which are cut short. */
  const askAll = async (store: Store) => {
    const late: Promise<unknown>[] = []
    await few(combinations, (one) =>
      isPaced(one) ? void late.push(ask(store, one)) : ask(store, one),
    )
    const all = Promise.all(late)
    const skipping = setInterval(() => world.clock.skip(throttleMs), 50)
    await all.finally(() => clearInterval(skipping))
  }

  const outage = async (store: Store) => {
    const answers = [await world.ask(`${store}.first`, 'requests-day-hard-closed')]
    const others: Told[] = []
    for (const one of combinations) {
      answers.push(await ask(store, one), await ask(store, one))
      others.push(await world.ask('free', 'free'))
    }
    outages.set(store, answers)
    free.set(store, others)
  }

  before(async () => {
    world = await startWorld()
    for (const store of stores) {
      await askAll(store)
      await world.usage.flush()
      if (store === 'up') await askAll(store)
      else await world.during(store, () => outage(store))
      await world.usage.flush()
    }
    for (const store of stores) await askAll(store)
    await world.usage.flush()
    for (const store of stores)
      await few(combinations, async (one) => {
        const [limit] = (await world.quota(userOf(store, one), one.tier)).limits
        if (limit) quotas.set(userOf(store, one), limit)
      })
    await world.stop()
    ;({ logs, counters } = await world.read())
  })
  after(() => world.close())

  for (const store of stores)
    for (const onStoreError of modes)
      for (const enforcement of enforcements) {
        const rows = combinations.filter(
          (one) => one.onStoreError === onStoreError && one.enforcement === enforcement,
        )
        it(`are told, counted and recorded: ${enforcement}, store ${store}, ${onStoreError}`, () => {
          assert.equal(rows.length, 15)
          for (const one of rows) {
            checkTold(store, one, told.get(userOf(store, one)) ?? [])
            checkCounted(store, one)
            checkRecorded(store, one)
          }
        })
      }

  /** Whatever was served is counted, with the store or without it, and nothing else. */
  function checkCounted(store: Store, one: Combination): void {
    const user = userOf(store, one)
    const served = servedOf(store, one)
    const { metric, window, enforcement } = one
    const { limit } = limitOf(one)
    const used = round(served * each[metric])
    const remaining = round(Math.max(0, limit - used))
    const resets_at = resetOf(window, world.clock.now())
    const scope = 'user'
    const expected = { scope, name: 'the-limit', metric, window, enforcement, limit, used, held: 0 }
    assert.deepEqual(quotas.get(user), { ...expected, remaining, resets_at }, user)
    const parts = counters.find(({ _id }) => _id === `user:${user}`)?.parts ?? []
    const [part, ...more] = parts.filter(({ k }) => k.startsWith(window))
    assert.equal(more.length, 0, user)
    const { ur, ut, uc, hr, ht, hc } = part ?? {}
    const all = [served, served * each.tokens, served * costNanoUsd, 0, 0, 0]
    assert.deepEqual([ur, ut, uc, hr, ht, hc], all, user)
  }

  function checkRecorded(store: Store, one: Combination): void {
    const user = userOf(store, one)
    const own = logs.filter(({ user_id }) => user_id === user)
    const seen = own
      .toSorted((a, b) => (a._id < b._id ? -1 : 1))
      .map(({ status, status_code, error_type, tokens_used, cost_nano_usd, tier }) => {
        assert.equal(tier, one.tier)
        return { status, status_code, error_type, tokens_used, cost_nano_usd }
      })
    assert.deepEqual(seen, verdictsOf(store, one).map(recordOf), user)
  }

  for (const store of ['down', 'slow', 'hung'] as const)
    it(`cost the first request 250 ms and those after it nothing, store ${store}`, () => {
      const [first, ...others] = outages.get(store) ?? []
      assert.equal(first?.status, 503)
      assert.ok(first.tookMs < 400, `the first took ${first.tookMs} ms`)
      assert.equal(others.length, 2 * combinations.length)
      const [times, freeTimes] = [timesOf(others), timesOf(free.get(store) ?? [])]
      const [median, without] = [medianOf(times), medianOf(freeTimes)]
      assert.ok(median < 2 * without, `the median took ${median} ms, without limits ${without} ms`)
      // One a second looks whether the store is back.
      const looked = times.filter((time) => time > 100)
      const lastedMs = times.reduce((sum, time) => sum + time, 0)
      assert.ok(looked.length <= 1 + lastedMs / 1_000, `${looked.length} have waited`)
      // They wait 250 ms, and are otherwise as slow as any.
      const most = 250 + Math.max(50, freeTimes.at(-1) ?? 0)
      assert.ok(
        looked.every((time) => time < most),
        `${looked.join()}, at most ${most} ms`,
      )
    })
})

const timesOf = (told: readonly Told[]) =>
  told.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b)
const medianOf = (sorted: readonly number[]) => sorted[Math.floor(sorted.length / 2)] ?? Infinity

/** Does it for all, ten at a time: the store is not to be slow for a reason of ours. */
async function few<T>(all: readonly T[], work: (one: T) => unknown): Promise<void> {
  const left = [...all]
  const worker = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one)
  }
  await Promise.all(Array.from({ length: 10 }, worker))
}

function recordOf(verdict: Verdict) {
  if (verdict === 'admitted' || verdict === 'degraded') {
    const used = { tokens_used: each.tokens, cost_nano_usd: costNanoUsd }
    return { status: 'ok', status_code: 200, error_type: undefined, ...used }
  }
  const [status_code, error_type] =
    verdict === 'refused' ? [429, 'quota_exceeded'] : [503, 'store_unavailable']
  return { status: 'blocked', status_code, error_type, tokens_used: 0, cost_nano_usd: null }
}

/** Dollars are counted in whole nano-dollars. */
const round = (amount: number) => Math.round(amount * 1e9) / 1e9
