import { lateAfterMs } from '../rollup/freshness.js'

/**
 * Recorded at an instant, as far as readers and rollers are concerned; never earlier than before, which
 * a roll-up may have seen. For an update by pipeline.
 */
export function stamped(stamp: Date) {
  return recordedAs({ $max: ['$recorded_at', stamp] })
}

/** The same, and always later than before: something has changed since. */
export function stampedAnew(stamp: Date) {
  return recordedAs({ $max: [{ $add: ['$recorded_at', 1] }, stamp] })
}

function recordedAs(recorded_at: object) {
  const lateBefore = { $subtract: [recorded_at, lateAfterMs] }
  const isLate = { $or: [{ $eq: ['$late', true] }, { $lt: ['$timestamp', lateBefore] }] }
  return { recorded_at, late: { $cond: [isLate, true, '$$REMOVE'] } }
}
