import mongoose from 'mongoose'
import { systemClock } from '../src/clock.js'
import { Limiter } from '../src/limits/limiter.js'
import type { Plan } from '../src/limits/plan.js'
import { createStore } from '../src/store/store.js'
import { serve } from './rpc.js'

/** How long each took, ms. */
export interface ReserveTimes {
  /** Holding room in a plan's limits, and settling with what was used, both acknowledged. */
  limits: number[]
  /** Two `findOneAndUpdate` by the driver that add to a counter, as durable. */
  raw: number[]
}

const [mongoUri = ''] = process.argv.slice(2)
const connection = await mongoose.createConnection(mongoUri, { bufferCommands: false }).asPromise()
const store = createStore(connection, systemClock)
await store.prepare()
const limiter = new Limiter(store.counters, systemClock, 'UTC')
const counters = connection.getClient().db(connection.name).collection<{ _id: string }>('raw')

const daily = { window: 'day', enforcement: 'hard', reservation: 'typical' } as const
const plan: Plan = {
  tier: 'bench',
  limits: [
    { ...daily, name: 'requests', metric: 'requests', limit: 1e9 },
    { ...daily, name: 'tokens', metric: 'tokens', window: 'month', limit: 1e12 },
  ],
  priority: 0,
  concurrency: null,
  onStoreError: 'closed',
}
const likely = { requests: 1, tokens: 500, cost: 0 }

async function limits(user: string): Promise<void> {
  const answer = await limiter.admit(user, plan, likely)
  if (answer.outcome !== 'admitted') throw new Error(answer.outcome)
  limiter.settle(answer.reservation, { requests: 1, tokens: 320, cost: 1_000 })
  await limiter.flush()
}

async function raw(user: string): Promise<void> {
  const options = { upsert: true, writeConcern: { w: 'majority' } } as const
  await counters.findOneAndUpdate({ _id: user }, { $inc: { held: 500, requests: 1 } }, options)
  await counters.findOneAndUpdate({ _id: user }, { $inc: { held: -500, tokens: 320 } }, options)
}

/** One after the other, in turns, each first every other time. */
async function run({ count, users }: { count: number; users: number }): Promise<ReserveTimes> {
  const times: ReserveTimes = { limits: [], raw: [] }
  const ways = [
    { name: 'limits', way: limits },
    { name: 'raw', way: raw },
  ] as const
  for (let index = 0; index < count; index++) {
    for (const { name, way } of index % 2 === 0 ? ways : ways.toReversed()) {
      const began = performance.now()
      await way(`user:${index % users}`)
      times[name].push(performance.now() - began)
    }
  }
  return times
}

serve({
  run,
  stop: async () => {
    limiter.stop()
    await connection.close()
  },
})
