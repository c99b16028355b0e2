import assert from 'node:assert/strict'
import fc from 'fast-check'
import { eventJson, eventOfJson } from '../../../src/ledger/spool/event-json.js'
import {
  framesIn,
  headerBytes,
  isFrame,
  payloadOf,
  writeFrame,
} from '../../../src/ledger/spool/frame.js'
import { event } from './support.js'

/** A segment of these payloads, and where each frame begins. */
function segmentOf(payloads: readonly string[]) {
  const bytes = Buffer.alloc(payloads.reduce((sum, one) => sum + headerBytes + one.length * 3, 0))
  const begins: number[] = []
  let at = 0
  for (const payload of payloads) {
    begins.push(at)
    at = writeFrame(bytes, at, 'event', payload)
  }
  return { bytes: bytes.subarray(0, at), begins }
}

function read(bytes: Buffer) {
  const found = [...framesIn(bytes)]
  const ids = found.filter(isFrame).map((one) => payloadOf(bytes, one))
  return { ids, damage: found.filter((one) => !isFrame(one)) }
}

describe('frames', () => {
  const payloads = Array.from({ length: 8 }, (_, i) =>
    JSON.stringify({ _id: `event-${i}`, x: 'ü' }),
  )
  const expected = payloads.map((one) => JSON.parse(one) as unknown)

  it('give back what was written', () => {
    assert.deepEqual(read(segmentOf(payloads).bytes), { ids: expected, damage: [] })
  })

  it('lose nothing but the frame that is hit, whichever byte is and whatever it becomes', () => {
    const { bytes, begins } = segmentOf(payloads)
    for (let at = 0; at < bytes.length; at++) {
      const hit = begins.findLastIndex((begin) => begin <= at)
      for (const change of [0x01, 0x80, 0xff]) {
        const damaged = Buffer.from(bytes)
        damaged.writeUInt8(damaged.readUInt8(at) ^ change, at)
        const { ids, damage } = read(damaged)
        assert.deepEqual(
          ids,
          expected.filter((_, index) => index !== hit),
          `byte ${at} ^ ${change}`,
        )
        assert.equal(damage.length, 1)
      }
    }
  })

  it('end wherever a write was cut, and what came before stands', () => {
    const { bytes, begins } = segmentOf(payloads)
    for (let end = 0; end < bytes.length; end++) {
      const whole = begins.findLastIndex((begin) => begin <= end)
      const { ids, damage } = read(bytes.subarray(0, end))
      assert.deepEqual(ids, expected.slice(0, whole))
      assert.ok(damage.every(({ kind }) => kind === 'torn'))
    }
  })

  it('are found among any garbage', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 6 }), (garbage) => {
        const parts = garbage.flatMap((one, index) => [
          Buffer.from(one),
          segmentOf([payloads[index] ?? '']).bytes,
        ])
        const { ids } = read(Buffer.concat(parts))
        assert.deepEqual(ids, expected.slice(0, garbage.length))
      }),
    )
  })

  it('are found behind a segment full of beginnings that lie about their length, at once', () => {
    const lie = Buffer.from([0xff, 0x41, 0x55, 0x01, 0, 0, 0, 0, 1, 0x0f, 0xff, 0xff])
    const lies = Buffer.alloc(8 * 1024 * 1024, lie)
    const began = performance.now()
    const { ids, damage } = read(Buffer.concat([lies, segmentOf(payloads).bytes]))
    assert.ok(performance.now() - began < 2_000)
    assert.deepEqual(ids, expected)
    assert.deepEqual(
      damage.map(({ from, to }) => [from, to]),
      [[0, lies.length]],
    )
  })

  it('carry an event through as it is, without its stamps', () => {
    const one = event('e', {
      metadata: { plan: 'ü"\n', count: 3, flag: true },
      tools_used: ['a', 'b'],
      cost_nano_usd: 9_007_199_254_740_991,
    })
    const stamped = { ...one, recorded_at: new Date(), late: true as const }
    assert.deepEqual(eventOfJson(JSON.parse(eventJson(stamped) ?? '')), one)
  })
})
