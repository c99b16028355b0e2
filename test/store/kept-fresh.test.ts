import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { KeptFresh } from '../../src/kept-fresh.js'
import { lagMeter } from '../helpers/lag.js'
import { quiet } from '../helpers/quiet.js'

/** Knowledge of a store that can be made to hang. */
class Known extends KeptFresh {
  hangs = false

  protected read(): Promise<void> {
    return this.hangs ? new Promise(() => undefined) : Promise.resolve()
  }
}

describe('what is known of a store that does not answer', () => {
  let skipped = 0
  const clock = { now: () => Date.now(), elapsed: () => systemClock.elapsed() + skipped }
  const seconds = (some: number) => void (skipped += some * 1_000)
  let known: Known
  beforeEach(async () => {
    known = new Known({ what: 'settings', waitMs: 250, clock, logger: quiet })
    await known.load()
    known.hangs = true
  })

  /** How long so many wait who come at once, ms; none of them knows it better then. */
  const waits = async (count: number) => {
    const lag = lagMeter()
    const began = performance.now()
    const waiting = Array.from({ length: count }, async () => known.ready())
    assert.deepEqual(new Set(await Promise.all(waiting)), new Set([false]))
    lag.stop()
    return performance.now() - began - lag.ms
  }

  it('is waited for by all who come after a silence, and then by none', async () => {
    seconds(20)
    const took = await waits(5)
    assert.ok(took >= 200, `${took} ms`)
    assert.equal(known.ready(), undefined)
  })

  it('is not waited for once more by those who come while it has long been asked for', async () => {
    seconds(5)
    assert.equal(known.ready(), undefined, 'new enough, and being looked at')
    seconds(4)
    const took = await waits(5)
    assert.ok(took < 200, `${took} ms`)
  })
})
