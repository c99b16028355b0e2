import { minuteMs } from '../time.js'

/** Events that wait to be written at least, and how long rolling up is left out for them at most. */
const backlogEvents = 10_000
const leftOutMs = 10 * minuteMs

export interface BehindOptions {
  /** Events that wait to be written. */
  readonly depth: () => number
  /** Monotonic ms. */
  readonly elapsed: () => number
}

/**
 * Leaves rolling up out while a backlog is being written, whose windows would be recomputed again and
 * again: ten minutes at most. Reads go by the log meanwhile.
 */
export function unlessBehind(
  rollUp: () => Promise<unknown>,
  { depth, elapsed }: BehindOptions,
): () => Promise<void> {
  let ranAt = -Infinity
  return async () => {
    const now = elapsed()
    if (depth() > backlogEvents && now - ranAt < leftOutMs) return
    ranAt = now
    await rollUp()
  }
}
