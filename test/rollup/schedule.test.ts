import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Schedule } from '../../src/schedule.js'
import { quiet } from '../helpers/quiet.js'

describe('what runs by cron', () => {
  it('says nothing on the console of a run that takes longer than its interval', async () => {
    const said = (['log', 'info', 'warn', 'error'] as const).map((name) =>
      mock.method(console, name, () => undefined),
    )
    const work = () => sleep(2_500)
    const alone = { take: () => Promise.resolve(true), giveBack: () => Promise.resolve() }
    const how = { what: 'runs', cron: '* * * * * *', lease: alone, logger: quiet }
    const schedule = new Schedule({ ...how, work })
    await sleep(3_200)
    await schedule.stop()
    const lines = said.map((one) => one.mock.callCount())
    mock.restoreAll()
    assert.deepEqual(lines, [0, 0, 0, 0])
  })
})
