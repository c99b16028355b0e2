import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import type { TestApp } from '../helpers/app.js'
import { spend, startSpender } from './spender.js'

describe('a limit of tokens a minute that would rather wait', function () {
  this.timeout(30_000)
  let app: TestApp
  let offset = 0
  const clock = {
    now: () => systemClock.now() + offset,
    elapsed: () => systemClock.elapsed(),
  }
  const limits = [
    ...[{ name: 'tpm', metric: 'tokens', window: 'minute', limit: 6_000 } as const].map((one) => ({
      ...one,
      enforcement: 'throttle' as const,
    })),
  ]
  beforeEach(async () => {
    // The beginning of a minute.
    offset = Math.ceil(systemClock.now() / 60_000) * 60_000 - systemClock.now()
    app = await startSpender({ plans: { free: { limits } }, clock })
  })
  afterEach(() => app.close())

  const timed = async (tokens: number) => {
    const began = performance.now()
    const { status, headers } = await spend(app, 'alice', { tokens })
    return { status, headers, tookMs: performance.now() - began }
  }

  it('lets ten seconds worth come at once, then has the next wait until it has run off', async () => {
    assert.ok((await timed(900)).tookMs < 500)
    const second = await timed(250)
    assert.ok(second.tookMs < 500)
    const left = Number(second.headers.get('x-ratelimit-remaining-tokens'))
    assert.ok(left >= 100 && left < 150, `${left} left`)
    // 1,150 of a bucket of 1,000: 100 a second run off.
    const third = await timed(10)
    assert.equal(third.status, 200)
    assert.ok(third.tookMs > 900 && third.tookMs < 3_000, `took ${third.tookMs} ms`)
    const { data } = await app.admin<{ data: { queue_wait_ms?: number }[] }>('/logs')
    const [waited, ...others] = data.map((one) => one.queue_wait_ms)
    assert.ok(Number(waited) > 900 && Number(waited) <= third.tookMs)
    assert.deepEqual(others, [undefined, undefined])
  })

  it('refuses at once where waiting would be in vain, and says from when on it is not', async () => {
    await timed(3_000)
    const { status, headers, tookMs } = await timed(10)
    assert.deepEqual([status, tookMs < 500], [429, true])
    const seconds = Number(headers.get('retry-after'))
    assert.ok(seconds >= 19 && seconds <= 26, `Retry-After: ${seconds}`)
    offset += 21_000
    assert.equal((await timed(10)).status, 200)
  })

  it('never lets more begin in a minute than it says', async () => {
    let used = 0
    const minute = Math.floor(clock.now() / 60_000)
    for (;;) {
      const { status } = await timed(500)
      if (status === 429 || Math.floor(clock.now() / 60_000) > minute) break
      used += 500
      offset += 5_000
    }
    assert.ok(used >= 5_500 && used <= 6_500, `${used} tokens`)
  })
})
