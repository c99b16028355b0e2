import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { Agent } from 'node:http'
import type { LimitOptions, PlanOptions, UsageEvent } from '../../src/index.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import type { CounterDoc, CounterPart } from '../../models/counter.js'
import { ask, endOf, flush, setClock, startInstance, type Instance } from './instances.js'
import { until } from '../helpers/until.js'

const runs = Number(process.env.LIMIT_RUNS ?? 1)
/** What an answer uses: 60 tokens at $2.50 and 40 at $10 per million. */
const used = { tokens: 100, cost: 60 * 2_500 + 40 * 10_000 }
const body = JSON.stringify({ model: 'gpt-4o', max_tokens: 200 })
/** Requests at once, where it matters. */
const inFlight = 50
/** Requests that a strict limit of tokens or cost has room for. */
const room = 50
const typicalTokens = 5_000
const daily = { name: 'daily', window: 'day' } as const

const limits = {
  requests: { ...daily, metric: 'requests', limit: 50 },
  tokens: { ...daily, metric: 'tokens', limit: room * used.tokens, reservation: 'strict' },
  cost: { ...daily, metric: 'cost', limit: (room * used.cost) / 1e9, reservation: 'strict' },
} as const satisfies Record<string, LimitOptions>
const policies = ['open', 'closed'] as const
/** By tier. */
const plans: Record<string, PlanOptions> = {
  typical: { limits: [{ ...daily, metric: 'tokens', limit: typicalTokens }] },
}
for (const onStoreError of policies) {
  for (const [metric, limit] of Object.entries(limits)) {
    plans[`${metric}-${onStoreError}`] = { limits: [limit], onStoreError }
  }
}

describe(`1,000 requests at once over two processes, ${runs} run(s)`, function () {
  this.timeout(20_000 + runs * 10_000)
  let database: FreshDatabase
  let instances: Instance[] = []
  let agent: Agent
  before(async () => {
    database = await freshDatabase()
    instances = await Promise.all([0, 1].map(() => startInstance(database.uri, plans)))
  })
  after(async () => {
    await Promise.all(instances.map((one) => endOf(one)))
    await database.drop()
  })
  beforeEach(() => {
    agent = new Agent({ keepAlive: true, maxSockets: 250 })
  })
  afterEach(() => agent.destroy())

  const storm = async (user: string, asked: { tier: string; body?: string }): Promise<number[]> =>
    Promise.all(
      Array.from({ length: 1_000 }, (_, index) => {
        const instance = instances[index % 2]
        assert.ok(instance)
        return ask(agent, instance, user, asked)
      }),
    )
  const served = (statuses: readonly number[]) => statuses.filter((one) => one === 200).length
  const countedOf = async (user: string) => {
    const counters = database.connection.collection<CounterDoc>('usage_counters')
    const counter = await counters.findOne({ _id: `user:${user}` })
    const parts = (counter?.parts ?? []).filter(({ k }) => k.startsWith('day@'))
    const sum = (of: (part: CounterPart) => number) => parts.reduce((all, one) => all + of(one), 0)
    const counted = { requests: sum(({ ur }) => ur), tokens: sum(({ ut }) => ut) }
    return { ...counted, cost: sum(({ uc }) => uc), held: sum(({ hr, ht, hc }) => hr + ht + hc) }
  }
  const loggedOf = async (user: string) => {
    const logs = database.connection.collection<UsageEvent>('usage_logs')
    const events = await logs.find({ user_id: user, status: 'ok' }).toArray()
    const tokens = events.reduce((all, one) => all + one.tokens_used, 0)
    const cost = events.reduce((all, one) => all + (one.cost_nano_usd ?? 0), 0)
    return { requests: events.length, tokens, cost }
  }
  /** What the log and the counters agree on, nothing being held. */
  const sumsOf = async (users: readonly string[]) => {
    for (const one of instances) await flush(one)
    const sums = await Promise.all(users.map(loggedOf))
    for (const [at, user] of users.entries()) {
      const expected = { ...sums[at], held: 0 }
      await until(async () => isDeepStrictEqual(await countedOf(user), expected))
    }
    return sums
  }

  for (const onStoreError of policies) {
    it(`pass a hard limit of 50 a day exactly 50 times, within 2 s, ${onStoreError}`, async () => {
      const tier = `requests-${onStoreError}`
      await storm(`warm-${onStoreError}`, { tier })
      for (let run = 0; run < runs; run++) {
        const began = performance.now()
        const statuses = await storm(`${onStoreError}-${run}`, { tier })
        const took = performance.now() - began
        assert.equal(served(statuses), 50)
        assert.equal(statuses.filter((status) => status === 429).length, 950)
        assert.ok(took < 2_000, `took ${Math.round(took)} ms`)
      }
    })

    const metrics = (['tokens', 'cost'] as const).filter(
      (metric) => runs > 1 || (metric === 'tokens') === (onStoreError === 'open'),
    )
    for (const metric of metrics)
      it(`never pass a strict limit of ${metric}, and use what there is, ${onStoreError}`, async () => {
        const asked = { tier: `${metric}-${onStoreError}`, body }
        await storm(`warm-${metric}-${onStoreError}`, asked)
        const users = Array.from({ length: runs }, (_, run) => `${metric}-${onStoreError}-${run}`)
        const counts: number[] = []
        for (const user of users) {
          const statuses = await storm(user, asked)
          assert.ok(statuses.every((status) => status === 200 || status === 429))
          counts.push(served(statuses))
        }
        const sums = await sumsOf(users)
        for (const [run, sum] of sums.entries()) {
          assert.equal(sum.requests, counts[run])
          assert.ok(sum[metric] <= room * used[metric], `${sum[metric]} used`)
          assert.ok(sum.requests > 0)
        }
        console.log(`      served of ${room}: ${counts.join(' ')}; overshoot 0`)
      })
  }

  it('pass a typical limit of tokens by no more than was in flight, which is charged', async () => {
    const tier = 'typical'
    await storm('warm-typical', { tier })
    agent.destroy()
    agent = new Agent({ keepAlive: true, maxSockets: inFlight / 2 })
    const users = Array.from({ length: runs }, (_, run) => `typical-${run}`)
    const count: number[] = []
    for (const user of users) {
      const statuses = await storm(user, { tier })
      assert.ok(statuses.every((status) => status === 200 || status === 429))
      count.push(served(statuses))
      await until(async () => (await countedOf(user)).requests === count.at(-1))
      for (const one of instances) assert.equal(await ask(agent, one, user, { tier }), 429)
    }
    const sums = await sumsOf(users)
    const beyond = sums.map(({ tokens }, run) => {
      assert.ok(tokens > typicalTokens, `${tokens} used`)
      assert.ok(tokens - typicalTokens <= inFlight * used.tokens, `${tokens} used`)
      assert.equal(tokens, (count[run] ?? 0) * used.tokens)
      return tokens - typicalTokens
    })
    console.log(`      overshoot, tokens: ${beyond.join(' ')}`)
  })

  for (const [what, end] of [
    ['midnight', Date.UTC(2026, 4, 12)],
    ['the end of a month', Date.UTC(2026, 5, 1)],
  ] as const) {
    it(`pass a hard limit of 50 a day 50 times before ${what} and 50 times after it`, async () => {
      const tier = 'requests-open'
      const user = `across-${end}`
      for (const now of [end - 60_000, end]) {
        for (const one of instances) await setClock(one, now)
        assert.equal(served(await storm(user, { tier })), 50)
      }
    })
  }
})
