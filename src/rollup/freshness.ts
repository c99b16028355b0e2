import { floorTo, intervalMs, minuteMs } from '../time.js'

/**
 * How reads tell rolled-up time from open time without a lock.
 *
 * The roller's watermark W promises: every event with `recorded_at` < W is in the rollups. A run
 * that began at t moves W to t - overlap, since an event becomes visible a little after it was
 * stamped. Reads take the log for every window that an event with `recorded_at` >= W may touch: all
 * windows from `openFrom(W)` on, and those of the events flagged `late`. A window is always read
 * from one source as a whole, so nothing counts twice, however old W is.
 */
export const overlapMs = 2 * minuteMs

/** An event recorded longer than this after it happened is flagged `late`. */
export const lateAfterMs = 10 * minuteMs

/**
 * An event whose write took longer than this to be acknowledged is stamped again, so that the
 * overlap always covers the time between stamp and visibility.
 */
export const slowWriteMs = overlapMs / 2

/** Start of the first window that is always read from the log. */
export function openFrom(watermark: Date): number {
  return floorTo(watermark.getTime() - lateAfterMs, intervalMs)
}

export function isLate(timestamp: Date, recordedAt: Date): boolean {
  return recordedAt.getTime() - timestamp.getTime() > lateAfterMs
}
