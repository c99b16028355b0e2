import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { Desks, type CounterDoor } from '../../src/limits/desks.js'
import type { Held } from '../../src/limits/question.js'
import { until } from '../helpers/until.js'

const amount = { requests: 1, tokens: 100, cost: 0 }
const idleMs = 300_000
const count = 20_500

describe('the desks of very many users', function () {
  this.timeout(30_000)

  it('are closed five minutes after their last word, but for those that have spoken since', async () => {
    let skipped = 0
    const clock = { now: () => systemClock.now(), elapsed: () => systemClock.elapsed() + skipped }
    const said = new Map<string, number>()
    const door: CounterDoor = {
      move: () => Promise.reject(new Error('nobody asks')),
      say: (moves) => {
        for (const { subject, own } of moves) said.set(subject, own[0]?.used.tokens ?? 0)
        return Promise.resolve(moves.map(() => true))
      },
      find: () => Promise.resolve(new Map()),
    }
    const desks = new Desks(door, clock)
    const times = { since: clock.now(), until: clock.now() + 86_400_000, flows: [] }
    const settled: Held = { ...times, keys: ['d'], kept: ['d'], windows: ['d'], held: undefined }
    for (let i = 0; i < count; i++) desks.settle(`user:${i}`, settled, amount)
    await desks.flush()
    assert.equal(said.size, count)
    const [first, second] = [desks.of('user:0'), desks.of('user:1')]
    skipped += idleMs - 60_000
    desks.settle('user:1', settled, amount)
    await desks.flush()
    skipped += 120_000
    // It looks every ten seconds.
    await until(() => desks.of('user:0') !== first, 12_000)
    assert.equal(desks.of('user:1'), second)
    assert.equal(said.get('user:1'), 200)
    desks.settle('user:0', settled, amount)
    await desks.flush()
    // Beside what its first desk has said, under another name.
    assert.equal(said.get('user:0'), 100)
    desks.stop()
  })
})
