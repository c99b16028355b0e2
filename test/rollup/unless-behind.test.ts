import assert from 'node:assert/strict'
import { unlessBehind } from '../../src/rollup/unless-behind.js'
import { minuteMs } from '../../src/time.js'

describe('rolling up', () => {
  it('is left out while a backlog is written, for ten minutes at most', async () => {
    let runs = 0
    let depth = 0
    let now = 0
    const rollUp = () => Promise.resolve((runs += 1))
    const run = unlessBehind(rollUp, { depth: () => depth, elapsed: () => now })
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
    await unlessBehind(rollUp, { depth: () => 1_000_000, elapsed: () => 5 })()
    assert.equal(runs, 1)
  })
})
