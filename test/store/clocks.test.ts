import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { startApp } from '../helpers/app.js'
import { quiet } from '../helpers/quiet.js'

describe('the clock of a machine', () => {
  const warnings = async (aheadMs: number) => {
    const said: string[] = []
    const clock = { now: () => Date.now() + aheadMs, elapsed: () => systemClock.elapsed() }
    const logger = { ...quiet, warn: (message: string) => void said.push(message) }
    const app = await startApp(() => undefined, { clock, logger })
    await app.close()
    return said.filter((line) => line.includes('the clock of this machine'))
  }

  it('is warned of at the start where it is off by more than ten seconds', async () => {
    const [ahead] = await warnings(25_000)
    assert.match(ahead ?? '', /is 25 s ahead of that of MongoDB/)
    const [behind] = await warnings(-40_000)
    assert.match(behind ?? '', /is 40 s behind that of MongoDB/)
    assert.deepEqual(await warnings(8_000), [])
  })
})
