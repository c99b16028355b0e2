import assert from 'node:assert/strict'
import fc from 'fast-check'
import { planRead, type ReadPlan } from '../../src/insight/plan.js'
import { dayMs, floorTo, intervalMs, minuteMs, type Span } from '../../src/time.js'

const epoch = Date.parse('2026-03-01T00:00:00Z')
const instant = fc.oneof(
  fc.integer({ min: 0, max: 20 * dayMs }).map((ms) => epoch + ms),
  fc.integer({ min: 0, max: 20 * 96 }).map((n) => epoch + n * intervalMs),
  fc.integer({ min: 0, max: 20 }).map((n) => epoch + n * dayMs),
)
const window = fc.integer({ min: 0, max: 20 * 96 }).map((n) => epoch + n * intervalMs)

const situation = fc.record({
  ends: fc.tuple(instant, instant),
  openFrom: window,
  lateWindows: fc.array(window, { maxLength: 8 }),
  boundaries: fc.array(window, { maxLength: 6 }),
})

function partsOf(plan: ReadPlan): Span[] {
  return [...plan.days, ...plan.intervals, ...plan.log].sort((a, b) => +a.from - +b.from)
}

function startsOf(spans: readonly Span[], width: number): number[] {
  return spans.flatMap(({ from, to }) =>
    Array.from({ length: (+to - +from) / width }, (_, index) => +from + index * width),
  )
}

describe('planRead', () => {
  const check = (property: (plan: ReadPlan, drawn: Drawn, span: Span) => void) => {
    fc.assert(
      fc.property(situation, (drawn) => {
        const span = {
          from: new Date(Math.min(...drawn.ends)),
          to: new Date(Math.max(...drawn.ends)),
        }
        property(planRead(span, drawn, drawn.boundaries), drawn, span)
      }),
      { numRuns: 500 },
    )
  }
  type Drawn = typeof situation extends fc.Arbitrary<infer T> ? T : never

  it('covers the span exactly, without overlap', () => {
    check((plan, _, { from, to }) => {
      let at = +from
      for (const part of partsOf(plan)) {
        assert.equal(+part.from, at)
        assert.ok(part.to > part.from)
        at = +part.to
      }
      assert.equal(at, +to)
    })
  })

  it('takes days only where they are whole, closed, untouched and not cut by a boundary', () => {
    check((plan, { openFrom, lateWindows, boundaries }) => {
      for (const day of startsOf(plan.days, dayMs)) {
        assert.equal(day % dayMs, 0)
        assert.ok(day + dayMs <= openFrom)
        assert.ok(!lateWindows.some((start) => floorTo(start, dayMs) === day))
        assert.ok(!boundaries.some((at) => at > day && at < day + dayMs))
      }
    })
  })

  it('takes windows only where they are whole, closed and untouched', () => {
    check((plan, { openFrom, lateWindows }) => {
      for (const start of startsOf(plan.intervals, intervalMs)) {
        assert.equal(start % intervalMs, 0)
        assert.ok(start + intervalMs <= openFrom)
        assert.ok(!lateWindows.includes(start))
      }
    })
  })

  it('reads from the log only what it must', () => {
    check((plan, { openFrom, lateWindows }, { from, to }) => {
      for (const { from: start, to: end } of plan.log) {
        for (let at = +start; at < +end; at = floorTo(at, intervalMs) + intervalMs) {
          const window = floorTo(at, intervalMs)
          const isCut = window < +from || window + intervalMs > +to
          assert.ok(window + intervalMs > openFrom || isCut || lateWindows.includes(window))
        }
      }
    })
  })

  it('reads all of a span before the first roll-up from the log', () => {
    const span = { from: new Date(epoch), to: new Date(epoch + dayMs) }
    const openFrom = -15 * minuteMs
    assert.deepEqual(planRead(span, { openFrom, lateWindows: [] }), {
      days: [],
      intervals: [],
      log: [span],
    })
  })
})
