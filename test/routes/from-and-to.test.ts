import assert from 'node:assert/strict'
import { hourMs } from '../../src/time.js'
import { startApp, type TestApp } from '../helpers/app.js'

describe('from and to', function () {
  this.timeout(20_000)
  let app: TestApp
  before(async () => {
    app = await startApp(() => undefined)
    const first = Date.parse('2026-11-01T04:00:00Z')
    for (let hour = 0; hour < 25; hour++) {
      const timestamp = new Date(first + hour * hourMs + 1).toISOString()
      await app.usage.record({
        ...{ id: `hour ${hour}`, user_id: 'ann', operation_type: 'chat', timestamp },
      })
    }
    await app.usage.flush()
  })
  after(() => app.close())

  it('take all of a day on which midnight comes twice', async () => {
    const { total_operations, daily_usage } = await app.admin<{
      total_operations: number
      daily_usage: Record<string, { operations: number }>
    }>('/global?from=2026-11-01&to=2026-11-02&timezone=America/Havana')
    assert.equal(total_operations, 25)
    assert.deepEqual(Object.keys(daily_usage), ['2026-11-01'])
  })

  for (const offset of ['+99:00', '+24:00', '+14:61', '-2400'])
    it(`are refused with an offset of ${offset}`, async () => {
      const from = encodeURIComponent(`2026-11-20T00:00:00${offset}`)
      const { status, body } = await app.send('GET', `/global?from=${from}`)
      assert.deepEqual([status, body.code], [400, 'invalid_parameter'])
    })
})
