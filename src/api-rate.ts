import * as z from 'zod'
import type { Clock } from './clock.js'
import { leastRecent } from './least-recent.js'
import { minuteMs } from './time.js'

/** How often each user may ask the HTTP API: events that are sent and machines do not count. */
export interface ApiRateLimit {
  /** Requests a minute, from a user's first on; 1 to 1,000,000. Default 300. */
  perMinute?: number | undefined
}

/** Option `apiRateLimit`. @internal */
export const apiRateLimitSchema = z
  .union([
    z.strictObject({ perMinute: z.int().min(1).max(1_000_000).default(300) }),
    z.literal(false),
  ])
  .prefault({})

/** Users that are remembered at most: whoever asked longest ago begins anew. */
const maxUsers = 10_000

interface Minute {
  readonly endsAt: number
  asked: number
}

/** How often each user may ask the HTTP API of this process: so often a minute, from the first on. */
export class ApiRate {
  readonly perMinute: number
  readonly #clock: Clock
  readonly #minutes = leastRecent<string, Minute>(maxUsers)

  constructor(perMinute: number, clock: Clock) {
    this.perMinute = perMinute
    this.#clock = clock
  }

  /** Counts a request; answers how many seconds it is too early, 0 when it may pass. */
  take(userId: string): number {
    const now = this.#clock.elapsed()
    const known = this.#minutes.get(userId)
    if (known === undefined || now >= known.endsAt) {
      this.#minutes.set(userId, { endsAt: now + minuteMs, asked: 1 })
      return 0
    }
    if (known.asked >= this.perMinute) return Math.ceil((known.endsAt - now) / 1000)
    known.asked += 1
    return 0
  }
}
