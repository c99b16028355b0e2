import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import type { CounterDoor } from '../../src/limits/desks.js'
import { Limiter } from '../../src/limits/limiter.js'
import type { Plan } from '../../src/limits/plan.js'
import { createStore } from '../../src/store/store.js'
import { hourMs } from '../../src/time.js'
import { freshDatabase } from '../helpers/mongo.js'

const plan: Plan = {
  ...{ tier: 'test', priority: 0, concurrency: null, onStoreError: 'open' },
  limits: [
    {
      ...{ name: 'all', metric: 'tokens', window: 'lifetime', limit: 1_000_000 },
      ...{ enforcement: 'hard', reservation: 'typical' },
    },
  ],
}
const amount = { requests: 1, tokens: 100, cost: 0 }

describe('an instance that has heard nothing of the store for an hour', () => {
  it('counts once what it tells several times, since nobody answers', async () => {
    const database = await freshDatabase()
    const clock = { now: () => systemClock.now(), elapsed: () => systemClock.elapsed() + skipped }
    let skipped = 0
    const store = createStore(database.connection, clock)
    const { counters } = store
    await store.prepare()
    let isAnswering = true
    /** What it is told it knows, but its answers do not arrive. */
    const heard = async <T>(work: Promise<T>): Promise<T> => {
      const answer = await work
      if (!isAnswering) throw new Error('the answer is lost')
      return answer
    }
    const door: CounterDoor = {
      move: (move) => heard(counters.move(move)),
      say: (moves) => heard(counters.say(moves)),
      find: (subjects) => counters.find(subjects),
    }
    const limiter = new Limiter(door, clock, 'UTC')
    const use = async () => {
      skipped += 2_000
      const asked = await limiter.admit('user:alice', plan, amount)
      assert.ok('reservation' in asked, asked.outcome)
      limiter.settle(asked.reservation, amount)
      await limiter.flush()
    }
    await use()
    isAnswering = false
    skipped += hourMs
    for (let i = 0; i < 5; i++) await use()
    isAnswering = true
    await use()
    const [standing] = await limiter.look('user:alice', plan)
    assert.equal(standing?.used, 700)
    limiter.stop()
    await database.drop()
  })
})
