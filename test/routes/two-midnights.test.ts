import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { startApp, type TestApp } from '../helpers/app.js'

interface Answer {
  total_operations: number
  daily_usage: Record<string, { operations: number }>
  billing_period: { start: string; tokens_used: number }
}

describe('a day and a month that begin with two midnights', function () {
  this.timeout(20_000)
  let app: TestApp
  // In Havana the clocks go back from one o'clock to midnight.
  const first = '2026-11-01T04:00:00.000Z'
  before(async () => {
    const clock = { ...systemClock, now: () => Date.parse('2026-11-01T15:00:00Z') }
    const identify = () => ({ user_id: 'root', role: 'admin' })
    app = await startApp(() => undefined, { clock, identify, timezone: 'America/Havana' })
    for (const [id, timestamp] of [
      ['between the midnights', '2026-11-01T04:30:00Z'],
      ['after both', '2026-11-01T05:30:00Z'],
    ] as const) {
      const what = { operation_type: 'chat', input_tokens: 1, output_tokens: 2 }
      await app.usage.record({ id, user_id: 'ann', timestamp, ...what })
    }
    await app.usage.flush()
  })
  after(() => app.close())

  for (const days of [1, 2])
    it(`are whole in the last ${days} days`, async () => {
      const usage = await app.admin<Answer>(`/user/ann?days=${days}`)
      assert.equal(usage.total_operations, 2)
      assert.equal(usage.daily_usage['2026-11-01']?.operations, 2)
    })

  it('are whole in the billing month', async () => {
    const { billing_period } = await app.admin<Answer>('/user/ann')
    assert.deepEqual([billing_period.start, billing_period.tokens_used], [first, 6])
  })

  it('are whole in what users did today', async () => {
    const { data } = await app.admin<{ data: { today: { requests: number } }[] }>('/users')
    assert.equal(data[0]?.today.requests, 2)
  })

  for (const period of ['day', 'month'])
    it(`begin a budget of a ${period} with the first`, async () => {
      const terms = { scope: 'user', user_id: 'ann', period, limit_usd: 1 }
      const { body } = await app.send('POST', '/budgets', terms)
      assert.equal((body.state as { period_start: string }).period_start, first)
    })
})
