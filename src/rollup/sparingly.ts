import { minuteMs } from '../time.js'

/** Events that wait to be written at least, for rolling up to be left out. */
const backlogEvents = 10_000
/** How long it is left out at most, ms. */
const leftOutMs = 10 * minuteMs
/** A run that took longer than this is not repeated before so many times as long, ms. */
const longMs = 3_000
const runsApart = 20

export interface SparinglyOptions {
  /** Events that wait to be written. */
  readonly depth: () => number
  /** Monotonic ms. */
  readonly elapsed: () => number
}

/**
 * Leaves rolling up out, for ten minutes at most, during which reads go by the log: while a backlog is being
 * written, whose windows would be recomputed again and again, and after a run that took long, as one does
 * where thousands of users are active at a time. So it takes a twentieth of the time, or little more.
 */
export function sparingly(
  rollUp: () => Promise<unknown>,
  { depth, elapsed }: SparinglyOptions,
): () => Promise<void> {
  let began = -Infinity
  let tookMs = 0
  return async () => {
    const now = elapsed()
    const apartMs = tookMs > longMs ? runsApart * tookMs : 0
    const isBehind = depth() > backlogEvents
    if (now - began < (isBehind ? leftOutMs : Math.min(apartMs, leftOutMs))) return
    began = now
    try {
      await rollUp()
    } finally {
      tookMs = elapsed() - began
    }
  }
}
