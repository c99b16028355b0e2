import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CounterDoc } from '../../models/counter.js'
import type { PlanOptions, UsageEvent } from '../../src/index.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { ask, endOf, startInstance, type Instance } from './instances.js'

const inFlight = 200
const leaseMs = 30_000
/** Of an answer, and the most that a request is taken to use: two bytes are sent, and `max_tokens`. */
const used = 100
const body = JSON.stringify({ model: 'gpt-4o', max_tokens: 483 })
const most = Buffer.byteLength(body) + 483
/** The same as a rule: four bytes a token, and what may be produced. */
const likely = Math.ceil(Buffer.byteLength(body) / 4) + 483

const plans: Record<string, PlanOptions['limits']> = {
  'requests a day': [{ name: 'daily', metric: 'requests', window: 'day', limit: inFlight }],
  'tokens a day, strictly': [
    {
      name: 'daily',
      metric: 'tokens',
      window: 'day',
      limit: inFlight * most,
      reservation: 'strict',
    },
  ],
}

describe(`an instance that is killed while it holds all of a limit`, function () {
  this.timeout(60_000)
  let database: FreshDatabase
  let instances: Instance[] = []
  const agent = new Agent({ keepAlive: true, maxSockets: 250 })
  before(async () => {
    database = await freshDatabase()
  })
  afterEach(async () => {
    await Promise.all(instances.map((one) => endOf(one)))
    instances = []
  })
  after(async () => {
    agent.destroy()
    await database.drop()
  })

  const counters = () => database.connection.collection<CounterDoc>('usage_counters')
  const leasedUntil = async (user: string) => {
    const counter = await counters().findOne({ _id: `user:${user}` })
    return Math.max(...(counter?.parts ?? []).map(({ e }) => e))
  }
  /** As if time had passed. */
  const setLease = (user: string, until: number) =>
    counters().updateOne({ _id: `user:${user}` }, { $set: { 'parts.$[].e': until } })
  /** Asks again where the store took too long: then nobody was asked. */
  const surely = async (instance: Instance, user: string, path = '/ai/chat') => {
    for (;;) {
      const status = await ask(agent, instance, user, { body, path })
      if (status !== 503) return status
      await sleep(50)
    }
  }
  const standingOf = async (user: string) => {
    const counter = await counters().findOne({ _id: `user:${user}` })
    const parts = (counter?.parts ?? []).filter(({ k }) => k.startsWith('day@'))
    const sum = (key: 'ur' | 'ut' | 'hr' | 'ht') => parts.reduce((all, one) => all + one[key], 0)
    return { requests: sum('ur'), tokens: sum('ut'), held: sum('hr'), heldTokens: sum('ht') }
  }
  const logged = async (user: string) => {
    const logs = database.connection.collection<UsageEvent>('usage_logs')
    const served = await logs.find({ user_id: user, status: 'ok' }).toArray()
    const tokens = served.reduce((all, { tokens_used }) => all + tokens_used, 0)
    return { requests: served.length, tokens }
  }

  for (const [index, [name, limits]] of Object.entries(plans).entries())
    it(`frees it once its lease is over, and not before: ${inFlight} ${name}`, async () => {
      const user = `user-${index}`
      instances = await Promise.all(
        [0, 1].map(() => startInstance(database.uri, { free: { limits, onStoreError: 'closed' } })),
      )
      const [a, b] = instances as [Instance, Instance]
      const began = Date.now()
      const lost = Array.from({ length: inFlight }, () =>
        surely(a, user, '/ai/summarize').catch(() => 'lost'),
      )
      await a.reports({ held: inFlight })
      assert.equal(await surely(b, user), 429)
      const left = endOf(a, 'SIGKILL')
      assert.deepEqual(new Set(await Promise.all(lost)), new Set(['lost']))
      await left
      assert.deepEqual(await standingOf(user), {
        requests: 0,
        tokens: 0,
        held: inFlight,
        heldTokens: inFlight * (limits?.[0]?.metric === 'tokens' ? most : likely),
      })
      // What was held last was held after this test began to ask.
      const until = await leasedUntil(user)
      assert.ok(until >= began + leaseMs && until <= Date.now() + leaseMs, String(until - began))
      await setLease(user, Date.now() + 5_000)
      assert.equal(await surely(b, user), 429)
      await setLease(user, Date.now() - 1)
      const all = await Promise.all(Array.from({ length: inFlight + 50 }, () => surely(b, user)))
      const admitted = all.filter((status) => status === 200).length
      assert.ok(all.every((status) => status === 200 || status === 429))
      if (index === 0) assert.equal(admitted, inFlight)
      else assert.ok(admitted >= inFlight, `${admitted} let through`)
      await endOf(b)
      instances = []
      const { requests, tokens } = await standingOf(user)
      assert.deepEqual({ requests, tokens }, { requests: admitted, tokens: admitted * used })
      assert.deepEqual(await logged(user), { requests: admitted, tokens: admitted * used })
    })
})
