import assert from 'node:assert/strict'
import fc from 'fast-check'
import { eventJson, eventOfJson } from '../../../src/ledger/spool/event-json.js'
import { framesIn, isFrame, payloadOf, writeFrame } from '../../../src/ledger/spool/frame.js'
import { event } from '../../helpers/events.js'
import { cases, quickly, timeoutMs } from './fuzz.js'

/** Segments hold frames of events, of beginnings and of what was called off. */
const frames = Array.from({ length: 12 }, (_, index) => {
  const one = event(`event-${index}`, { metadata: { note: 'ü"\n'.repeat(index), count: index } })
  const text = index % 4 === 3 ? JSON.stringify({ _id: one._id }) : (eventJson(one) ?? '')
  const bytes = Buffer.alloc(12 + text.length * 3)
  const kind = (['event', 'start', 'event', 'cancel'] as const)[index % 4] ?? 'event'
  return bytes.subarray(0, writeFrame(bytes, 0, kind, text))
})

const magic = [0xff, 0x41, 0x55, 0x01]
/** Frames, and what a disk may hold between them: anything, zeros, beginnings with any sum and length. */
const part = fc.oneof(
  { weight: 4, arbitrary: fc.nat(frames.length - 1) },
  fc.uint8Array({ maxLength: 60 }),
  fc.nat(40).map((length) => new Uint8Array(length)),
  fc.uint8Array({ maxLength: 12 }).map((rest) => Uint8Array.from([...magic, ...rest])),
)
/** Bytes that become others: where (a share of the whole), and what. */
const flips = fc.array(fc.tuple(fc.nat(999_999), fc.nat(255)), { maxLength: 3 })

interface Span {
  from: number
  to: number
}

/** A segment, and where in it frames are still whole. */
function segmentOf(parts: readonly (number | Uint8Array)[], changes: readonly [number, number][]) {
  const pieces = parts.map((one) => (typeof one === 'number' ? frames[one] : one) ?? Buffer.of())
  const given = Buffer.concat(pieces)
  const bytes = Buffer.from(given)
  for (const [where, value] of changes)
    bytes[Math.floor((where / 1_000_000) * bytes.length)] = value
  let at = 0
  const spans = pieces.map((piece): Span => ({ from: at, to: (at += piece.length) }))
  const whole = spans.filter(
    ({ from, to }, index) =>
      typeof parts[index] === 'number' && bytes.compare(given, from, to, from, to) === 0,
  )
  return { bytes, whole }
}

describe('the reader of the spool, whatever its files hold', function () {
  this.timeout(timeoutMs)

  it('finds every frame that is whole, tells all else apart, and never fails', () => {
    const property = fc.property(
      fc.array(part, { maxLength: 8 }),
      flips,
      fc.nat(1_000_000),
      (parts, changes, end) => {
        const { bytes, whole } = segmentOf(parts, changes)
        const cut = bytes.subarray(0, Math.ceil((end / 1_000_000) * bytes.length))
        const found = quickly(() => [...framesIn(cut)])
        let at = 0
        for (const { from, to } of found) {
          assert.ok(from === at && to > from)
          at = to
        }
        assert.equal(at, cut.length)
        const good = found.filter(isFrame)
        assert.deepEqual(
          good.map(({ from, to }) => ({ from, to })),
          whole.filter(({ to }) => to <= cut.length),
        )
        for (const one of good) {
          const held = payloadOf(cut, one)
          assert.ok(one.kind === 'event' ? eventOfJson(held) !== undefined : held !== undefined)
        }
      },
    )
    fc.assert(property, { numRuns: cases })
  })
})
