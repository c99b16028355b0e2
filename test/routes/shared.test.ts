import assert from 'node:assert/strict'
import { shared } from '../../src/insight/shared.js'

describe('an answer that is shared', () => {
  let elapsed = 0
  let asked = 0
  const clock = { now: () => elapsed, elapsed: () => elapsed }
  const taking = (ms: number) => () => {
    asked += 1
    return Promise.resolve(asked).then((answer) => {
      elapsed += ms
      return answer
    })
  }
  beforeEach(() => (asked = 0))

  it('is asked for once in its time', async () => {
    const ask = shared(taking(100), 1_000, clock)
    assert.deepEqual([await ask(), await ask()], [1, 1])
    elapsed += 899
    assert.equal(await ask(), 1)
    elapsed += 1
    assert.equal(await ask(), 2)
  })

  it('is shared four times as long as it took where it costs much, ten seconds at most', async () => {
    for (const [tookMs, restMs] of [
      [600, 2_400],
      [5_000, 10_000],
    ] as const) {
      const ask = shared(taking(tookMs), 1_000, clock, 4)
      const first = await ask()
      elapsed += restMs - 1
      assert.equal(await ask(), first)
      elapsed += 1
      assert.equal(await ask(), first + 1)
    }
  })

  it('is not kept when it failed', async () => {
    const ask = shared(() => ((asked += 1), Promise.reject(new Error('away'))), 1_000, clock, 4)
    await assert.rejects(ask())
    await assert.rejects(ask())
    assert.equal(asked, 2)
  })
})
