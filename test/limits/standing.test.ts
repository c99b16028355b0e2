import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../src/clock.js'
import type { CounterDoor } from '../../src/limits/desks.js'
import { Limiter } from '../../src/limits/limiter.js'
import type { Plan } from '../../src/limits/plan.js'
import { createStore } from '../../src/store/store.js'
import { freshDatabase } from '../helpers/mongo.js'
import { until } from '../helpers/until.js'

const limit = { name: 'daily', metric: 'tokens', window: 'day', limit: 100 } as const
const plan: Plan = {
  ...{ tier: 'free', priority: 0, concurrency: null, onStoreError: 'open' },
  limits: [{ ...limit, enforcement: 'hard', reservation: 'typical' }],
}

describe('how far a limit is used', () => {
  it('has what is just being told, too', async () => {
    const database = await freshDatabase()
    const { counters } = createStore(database.connection, systemClock)
    let isBeingTold = false
    const slow: CounterDoor = {
      move: (moves) => counters.move(moves),
      find: (subjects) => counters.find(subjects),
      say: async (moves) => {
        isBeingTold = true
        await sleep(100)
        return counters.say(moves)
      },
    }
    const limiter = new Limiter(slow, systemClock, 'UTC')
    limiter.charge('user:alice', plan, { requests: 1, tokens: 7, cost: 0 }, Date.now())
    await until(() => isBeingTold)
    const [standing] = await limiter.look('user:alice', plan)
    assert.equal(standing?.used, 7)
    limiter.stop()
    await database.drop()
  })
})
