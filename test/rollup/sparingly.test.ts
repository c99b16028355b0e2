import assert from 'node:assert/strict'
import { sparingly } from '../../src/rollup/sparingly.js'
import { minuteMs } from '../../src/time.js'

describe('rolling up', () => {
  it('is left out while a backlog is written, for ten minutes at most', async () => {
    let runs = 0
    let depth = 0
    let now = 0
    const rollUp = () => Promise.resolve((runs += 1))
    const run = sparingly(rollUp, { depth: () => depth, elapsed: () => now })
    const runsAfter = async (minutes: number, waiting: number) => {
      depth = waiting
      const before = runs
      for (let minute = 0; minute < minutes; minute++) {
        now += minuteMs
        await run()
      }
      return runs - before
    }
    assert.equal(await runsAfter(3, 0), 3)
    assert.equal(await runsAfter(9, 1_000_000), 0)
    assert.equal(await runsAfter(30, 1_000_000), 3)
    assert.equal(await runsAfter(5, 10_000), 5)
  })

  it('begins with what is there, whatever waits', async () => {
    let runs = 0
    const rollUp = () => Promise.resolve((runs += 1))
    await sparingly(rollUp, { depth: () => 1_000_000, elapsed: () => 5 })()
    assert.equal(runs, 1)
  })

  it('takes a twentieth of the time, and ten minutes pass at most', async () => {
    let now = 0
    let tookMs = 0
    const beganAt: number[] = []
    const rollUp = () => {
      beganAt.push(now)
      now += tookMs
      return beganAt.length === 4 ? Promise.reject(new Error('away')) : Promise.resolve()
    }
    const run = sparingly(rollUp, { depth: () => 0, elapsed: () => now })
    const everyMinute = async (minutes: number, ms: number) => {
      tookMs = ms
      beganAt.length = 0
      const began = now
      for (let minute = 0; minute < minutes; minute++) {
        now = began + minute * minuteMs
        await run().catch(() => undefined)
      }
      now = began + minutes * minuteMs
      return beganAt.length
    }
    assert.equal(await everyMinute(60, 2_000), 60)
    assert.equal(await everyMinute(60, 9_000), 20)
    assert.equal(await everyMinute(60, 50_000), 6)
    // What has become quick again is done every minute again.
    await everyMinute(10, 10)
    assert.equal(await everyMinute(60, 10), 60)
  })
})
