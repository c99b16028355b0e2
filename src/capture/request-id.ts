import { randomFillSync } from 'node:crypto'
import { v7 } from 'uuid'

/** Asking the system for randomness costs the same for one id as for many. */
const pool = new Uint8Array(256 * 16)
let next = pool.length

/** A UUIDv7 of this instant: ids sort by time. https://www.rfc-editor.org/rfc/rfc9562#section-5.7 */
export function requestId(nowMs: number): string {
  if (next === pool.length) {
    randomFillSync(pool)
    next = 0
  }
  const random = pool.subarray(next, next + 16)
  next += 16
  return v7({ msecs: nowMs, random })
}
