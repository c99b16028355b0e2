import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { bearer, type TestApp } from '../helpers/app.js'
import { spend, startSpender } from './spender.js'

interface Problem {
  violated_policies: { resets_at: string }[]
}

describe('a request at the very end of a window', function () {
  this.timeout(20_000)
  let app: TestApp
  const end = Date.UTC(2026, 5, 11, 12, 1)
  let shown = end - 30
  let stepMs = 0
  // While a request is answered it goes on by a ms each time it is read: somewhere the window ends.
  const clock = { now: () => (shown += stepMs), elapsed: () => systemClock.elapsed() }
  const rpm = { name: 'rpm', metric: 'requests', window: 'minute', limit: 1 } as const
  before(async () => {
    const waiting = { ...rpm, enforcement: 'throttle' } as const
    const plans = { free: { limits: [rpm] }, pro: { limits: [waiting] } }
    app = await startSpender({ plans, clock, rollup: { enabled: false } })
  })
  after(() => app.close())

  /** What a second request of the window is told, so many readings of the clock before its end. */
  const second = async (tier: string, readings: number) => {
    const user = `${tier}-${readings}`
    shown = end - 30
    stepMs = 0
    await spend(app, user, { tokens: 1 }, { tier })
    shown = end - readings
    stepMs = 1
    const init = { method: 'POST', headers: bearer(user, { tier }) }
    const response = await fetch(`${app.url}/ai/chat`, init)
    return { status: response.status, body: (await response.json()) as Problem }
  }

  it('that is refused is told by which limit, though the next has begun', async () => {
    for (let readings = 1; readings <= 15; readings++) {
      const { status, body } = await second('free', readings)
      if (status === 200) continue
      const [violated] = body.violated_policies
      assert.equal(violated?.resets_at, new Date(end).toISOString(), `${readings} before`)
    }
  })

  it('that would rather wait is let through in the next', async () => {
    for (let readings = 1; readings <= 15; readings++)
      assert.equal((await second('pro', readings)).status, 200, `${readings} before`)
  })
})
