import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { createUsage } from '../../src/index.js'
import { bearer, secret, type TestApp } from '../helpers/app.js'
import { quiet } from '../helpers/quiet.js'
import { until } from '../helpers/until.js'
import { spend, startSpender } from './spender.js'

interface Quota {
  limits: { name: string; used: number }[]
}

const requests = (window: 'minute' | 'hour' | 'day' | 'month' | 'lifetime', limit: number) =>
  ({ name: `per-${window}`, metric: 'requests', window, limit }) as const
const dayMs = 86_400_000

describe('what was counted in a window', function () {
  this.timeout(30_000)
  let app: TestApp
  let ahead = 0
  let waiting: (() => void) | undefined
  const start = Date.UTC(2026, 5, 11, 12, 0, 1)
  let began = 0
  const clock = {
    now: () => start + systemClock.elapsed() - began + ahead,
    elapsed: () => systemClock.elapsed(),
  }
  const windows = ['minute', 'hour', 'day', 'month', 'lifetime'] as const
  const plans = {
    free: { limits: windows.map((window) => requests(window, 100)) },
    trial: { limits: [requests('lifetime', 2), requests('hour', 2)] },
    pro: { limits: [requests('day', 100)] },
  }
  beforeEach(async () => {
    began = systemClock.elapsed()
    ahead = 0
    waiting = undefined
    const onWait = (answer: () => void) => (waiting = answer)
    app = await startSpender({ plans, clock, rollup: { enabled: false } }, onWait)
  })
  afterEach(() => app.close())

  const used = async (user: string) => {
    const { limits } = await app.as<Quota>(user, '/me/quota')
    return Object.fromEntries(limits.map((one) => [one.name, one.used]))
  }
  const startWorker = async (behindMs: number) => {
    const worker = createUsage({
      connection: app.database.connection,
      auth: { secret, algorithms: ['HS256'] },
      ...{ plans, logger: quiet, rollup: { enabled: false } },
      clock: { ...clock, now: () => clock.now() - behindMs },
    })
    await worker.ready()
    return worker
  }
  const record = async (user: string) => {
    const at = { timestamp: new Date(clock.now()).toISOString() }
    await app.usage.record({ user_id: user, operation_type: 'job', input_tokens: 1, ...at })
    await app.usage.flush()
  }

  it('has what is recorded by a process that never asks, on each day anew', async () => {
    await record('alice')
    ahead = dayMs
    await record('alice')
    await record('alice')
    assert.deepEqual(await used('alice'), {
      ...{ 'per-minute': 2, 'per-hour': 2, 'per-day': 2 },
      ...{ 'per-month': 3, 'per-lifetime': 3 },
    })
  })

  it('has it while a user is on a plan that does not limit it', async () => {
    const statuses: number[] = []
    for (const tier of ['trial', 'trial', 'trial', 'pro', 'pro', 'pro', 'trial', 'trial']) {
      statuses.push((await spend(app, 'bob', { tokens: 1 }, { tier })).status)
    }
    assert.deepEqual(statuses, [200, 200, 429, 200, 200, 200, 429, 429])
  })

  it('has it in the day of another zone that an admin puts the user in', async () => {
    for (let i = 0; i < 2; i++) await spend(app, 'dan', { tokens: 1 })
    await app.send('PATCH', '/users/dan', { timezone: 'Pacific/Kiritimati' })
    await spend(app, 'dan', { tokens: 1 })
    const { 'per-day': today, 'per-month': month } = await used('dan')
    assert.deepEqual([today, month], [3, 3])
  })

  it('has it when something ends that has run since a window before', async () => {
    const running = fetch(`${app.url}/ai/chat?waits`, { method: 'POST', headers: bearer('erin') })
    await until(() => waiting !== undefined)
    ahead = 5 * 60_000
    const worker = await startWorker(0)
    await worker.record({ user_id: 'erin', operation_type: 'job', input_tokens: 1 })
    await worker.close()
    waiting?.()
    await running
    await app.usage.flush()
    const { 'per-minute': minute, 'per-day': day } = await used('erin')
    assert.deepEqual([minute, day], [1, 2])
  })

  it('has it when other processes record under another plan, or by a clock that is behind', async () => {
    const trial = { tier: 'trial' }
    for (let i = 0; i < 2; i++) await spend(app, 'carol', { tokens: 1 }, trial)
    for (const behindMs of [0, 45_000]) {
      const worker = await startWorker(behindMs)
      const tier = behindMs === 0 ? 'pro' : 'trial'
      await worker.record({ user_id: 'carol', tier, operation_type: 'job', input_tokens: 1 })
      await worker.close()
    }
    const init = { headers: bearer('carol', trial) }
    const response = await fetch(`${app.url}/ai/usage/me/quota`, init)
    const { limits } = (await response.json()) as Quota
    assert.deepEqual(
      limits.map((one) => one.used),
      [3, 2],
    )
  })
})
