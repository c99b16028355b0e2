import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../src/clock.js'
import type { CounterDoor } from '../../src/limits/desks.js'
import { Limiter, type Answered } from '../../src/limits/limiter.js'
import type { Plan } from '../../src/limits/plan.js'
import { createStore } from '../../src/store/store.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { until } from '../helpers/until.js'

const planOf = (limit: number): Plan => ({
  tier: 'test',
  limits: [
    {
      ...{ name: 'daily', metric: 'tokens', window: 'day', limit },
      ...{ enforcement: 'hard', reservation: 'typical' },
    },
  ],
  priority: 0,
  concurrency: null,
  onStoreError: 'closed',
})
const small = planOf(1_000)
const large = planOf(1_000_000)
const likely = { requests: 1, tokens: 500, cost: 0 }
const all = { requests: 1, tokens: 1_000, cost: 0 }

describe('near a limit that counts what is settled', () => {
  let database: FreshDatabase
  let limiters: Limiter[]
  /** Whom instances have told the store of, in order. */
  const told: string[] = []
  before(async () => {
    database = await freshDatabase()
    const { counters } = createStore(database.connection, systemClock)
    const door: CounterDoor = {
      move: (move) => counters.move(move),
      find: (subjects) => counters.find(subjects),
      say: (moves) => {
        told.push(...moves.map(({ subject }) => subject))
        return counters.say(moves)
      },
    }
    limiters = [0, 1].map(() => new Limiter(door, systemClock, 'UTC'))
  })
  after(async () => {
    for (const limiter of limiters) limiter.stop()
    await database.drop()
  })

  const limiter = (index: number) => limiters[index] ?? assert.fail()
  const reservationOf = (answer: Answered) => {
    assert.ok(answer.outcome === 'admitted')
    return answer.reservation
  }

  it('who asks while something that has ended is counted is answered when it is', async () => {
    const first = reservationOf(await limiter(0).admit('user:a', small, likely))
    limiter(0).ended(first)
    const next = limiter(0).admit('user:a', small, likely)
    await sleep(20)
    limiter(0).settle(first, all)
    assert.equal((await next).outcome, 'refused')
  })

  it('nobody waits long for that, nor at all while something runs, or far from it', async () => {
    reservationOf(await limiter(0).admit('user:runs', small, likely))
    for (const [subject, plan] of Object.entries({ 'user:far-off': large, 'user:b': small }))
      limiter(0).ended(reservationOf(await limiter(0).admit(subject, plan, likely)))
    const answered: string[] = []
    const ask = async (subject: string, plan: Plan) => {
      reservationOf(await limiter(0).admit(subject, plan, likely))
      answered.push(subject)
    }
    await Promise.all([ask('user:b', small), ask('user:runs', small), ask('user:far-off', large)])
    assert.equal(answered.length, 3)
    assert.equal(answered.at(-1), 'user:b')
  })

  it('other instances that ask for the same hear first what was used', async () => {
    const ask = async (subject: string, plan: Plan) => {
      for (const index of [1, 0, 0]) await limiter(index).admit(subject, plan, likely)
      return reservationOf(await limiter(0).admit(subject, plan, likely))
    }
    const far = await ask('user:far', large)
    const near = await ask('user:near', small)
    const alone = reservationOf(await limiter(0).admit('user:alone', small, likely))
    told.length = 0
    limiter(0).settle(alone, likely)
    limiter(0).settle(far, all)
    limiter(0).settle(near, all)
    await until(() => Promise.resolve(told.length >= 3))
    assert.deepEqual(told, ['user:near', 'user:alone', 'user:far'])
  })
})
