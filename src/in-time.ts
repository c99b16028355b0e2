import { clearInterval, setInterval } from 'node:timers'
import { UsageError } from './errors.js'

/** How long the store may take before a request, ms. */
const storeMs = 250
const tickMs = 25

/**
 * Rejects when the store takes too long; what it says then is of no interest. Time in which this
 * process did not get round to listening is its own, and does not count: an answer may be waiting.
 */
export async function inTime<T>(
  work: Promise<T>,
  elapsed: () => number,
  deadlineMs = storeMs,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    let left = deadlineMs
    let at = elapsed()
    timer = setInterval(() => {
      const now = elapsed()
      left -= Math.min(now - at, 1.2 * tickMs)
      at = now
      if (left <= 0) reject(new UsageError('store_unavailable', 'MongoDB is slow'))
    }, tickMs)
    timer.unref()
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearInterval(timer)
  }
}
