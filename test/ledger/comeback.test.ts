import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { Ledger } from '../../src/ledger/ledger.js'
import type { LedgerDoor } from '../../src/ledger/writer.js'
import { event } from '../helpers/events.js'
import { quiet as logger } from '../helpers/quiet.js'
import { until } from '../helpers/until.js'
import { FakeLog } from './spool/support.js'

describe('what has gathered in memory while MongoDB was away', () => {
  it('goes in small batches when it is back, and soon in large ones again', async () => {
    const log = new FakeLog()
    const sizes: number[] = []
    let tries = 0
    const append = log.append.bind(log)
    const door: LedgerDoor = log
    door.append = async (events) => {
      tries += 1
      const written = await append(events)
      if (written.outcome === 'settled') sizes.push(events.length)
      return written
    }
    let skipped = 0
    const clock = {
      now: () => systemClock.now(),
      elapsed: () => systemClock.elapsed() + skipped,
    }
    const options = { maxEvents: 10_000, batchSize: 500, lingerMs: 5, onWritten: () => undefined }
    const ledger = new Ledger({ door, clock, logger, ...options })
    const accept = (name: string, count: number) => {
      for (let i = 0; i < count; i++) ledger.accept(event(`${name}${i}`))
    }

    accept('usual', 1_500)
    await ledger.flush()
    assert.deepEqual(sizes.splice(0), [500, 500, 500])

    log.isDown = true
    accept('first', 1)
    const before = tries
    await until(() => tries > before + 1, 5_000)
    accept('gathered', 1_200)
    log.isDown = false
    await ledger.flush()
    assert.deepEqual(sizes.splice(0), [1, ...Array<number>(75).fill(16)])

    skipped = 60_000
    accept('later', 1_000)
    await ledger.flush()
    assert.deepEqual(sizes, [500, 500])
    assert.equal(log.events.size, 1_500 + 1 + 1_200 + 1_000)
    await ledger.close()
  })
})
