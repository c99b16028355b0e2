import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import type { TestApp } from '../helpers/app.js'
import { spend, startSpender } from './spender.js'

describe('a limit by the minute that would rather wait', function () {
  this.timeout(30_000)
  let app: TestApp
  let offset = 0
  let skipped = 0
  const clock = {
    now: () => systemClock.now() + offset,
    elapsed: () => systemClock.elapsed() + skipped,
  }
  const tpm = { name: 'tpm', metric: 'tokens', window: 'minute', limit: 6_000 } as const
  const rpm = { name: 'rpm', metric: 'requests', window: 'minute', limit: 1 } as const
  const plans = {
    free: { limits: [{ ...tpm, enforcement: 'throttle' }] },
    pro: { limits: [{ ...rpm, enforcement: 'throttle' }] },
  } as const
  beforeEach(async () => {
    // The beginning of a minute.
    offset = Math.ceil(systemClock.now() / 60_000) * 60_000 - systemClock.now()
    app = await startSpender({ plans, clock })
    // Whatever takes time the first time.
    await spend(app, 'somebody', { tokens: 1 })
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
    assert.equal(second.headers.get('x-ratelimit-remaining-tokens'), '5100')
    // 1,150 of a bucket of 1,000: 100 a second run off.
    const third = await timed(10)
    assert.equal(third.status, 200)
    assert.ok(third.tookMs > 900 && third.tookMs < 3_000, `took ${third.tookMs} ms`)
    const { data } = await app.admin<{ data: { queue_wait_ms?: number }[] }>('/logs?user=alice')
    const [waited, ...others] = data.map((one) => one.queue_wait_ms)
    assert.ok(Number(waited) > 900 && Number(waited) <= third.tookMs)
    assert.deepEqual(others, [undefined, undefined])
  })

  it('keeps those apart that come at once, by what they are likely to use', async () => {
    await timed(400)
    // Each is taken to use 400 tokens, as the one before them: four seconds.
    const began = performance.now()
    const took = await Promise.all(
      [1, 2, 3].map(async () => {
        assert.equal((await timed(400)).status, 200)
        return performance.now() - began
      }),
    )
    const [first, second, third] = took.toSorted((a, b) => a - b).map(Number)
    assert.ok(Number(first) < 500 && Number(second) < 500, String(took))
    assert.ok(Number(third) > 1_500 && Number(third) < 4_000, String(took))
  })

  it('refuses nobody who has tokens left: after ten seconds they go on', async () => {
    await timed(3_000)
    const asked = timed(10)
    for (let waited = 0; waited < 11_000; waited += 1_000) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      skipped += 1_000
    }
    assert.equal((await asked).status, 200)
  })

  it('refuses at once where the minute is used up for longer than one would wait', async () => {
    await timed(6_000)
    const { status, headers, tookMs } = await timed(10)
    assert.deepEqual([status, tookMs < 500], [429, true])
    const seconds = Number(headers.get('retry-after'))
    assert.ok(seconds > 50 && seconds <= 66, `Retry-After: ${seconds}`)
    const { data } = await app.admin<{ data: { queue_wait_ms?: number }[] }>(
      '/logs?user=alice&status=blocked',
    )
    assert.deepEqual(
      data.map((one) => one.queue_wait_ms),
      [undefined],
    )
    offset += 61_000
    assert.equal((await timed(10)).status, 200)
  })

  it('of requests waits for the next minute where that is near', async () => {
    offset += 58_500
    const ask = () => spend(app, 'alice', {}, { tier: 'pro' })
    assert.equal((await ask()).status, 200)
    const began = performance.now()
    assert.equal((await ask()).status, 200)
    const tookMs = performance.now() - began
    assert.ok(tookMs > 500 && tookMs < 4_000, `took ${tookMs} ms`)
  })
})
