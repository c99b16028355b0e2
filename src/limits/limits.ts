import type { Clock } from '../clock.js'
import type { Notices } from '../notices/notices.js'
import type { Store } from '../store/store.js'
import { Admissions, type Prices } from './admissions.js'
import { countFromLog } from './heal.js'
import { Limiter } from './limiter.js'
import { Rules, type RulesConfig } from './rules.js'
import { Watch } from './watch.js'
import type { Window } from './plan.js'
import type { Calendar } from './windows.js'

export interface LimitsOptions {
  readonly config: RulesConfig & { readonly timezone: string }
  readonly store: Store
  readonly prices: Prices
  readonly notices: Notices
  /** Resolves when the store can be read. */
  readonly ready: () => Promise<void>
}

/** Everything that holds operations to plans, wired together. */
export class Limits {
  readonly rules: Rules
  readonly limiter: Limiter
  readonly admissions: Admissions
  readonly #watch: Watch
  readonly #store: Store
  readonly #clock: Clock

  constructor({ config, store, prices, notices, ready }: LimitsOptions) {
    const { clock, timezone } = config
    this.rules = new Rules(config, store, ready)
    this.limiter = new Limiter(store.counters, clock, timezone)
    this.#watch = new Watch(this.limiter, notices, clock)
    const { rules, limiter } = this
    this.#store = store
    this.#clock = clock
    this.admissions = new Admissions({ limiter, clock, rules, prices, notices, watch: this.#watch })
    rules.erasures.onErased((userId) => {
      this.limiter.forget(`user:${userId}`)
      this.admissions.forget(userId)
      notices.forget(userId)
      store.accounts.forget(userId)
    })
  }

  /** Resolves when all that is settled has been said, and told where it has reached something. */
  async flush(): Promise<void> {
    await this.limiter.flush()
    await this.#watch.flush()
  }

  /** Counts what the log has of windows of a counter in which nobody counts so far. */
  async countFromLog(
    subject: string,
    calendar = this.calendarOf(subject),
    limited?: readonly Window[],
  ): Promise<void> {
    await countFromLog(this.#store, subject, calendar, { now: this.#clock.now(), limited })
  }

  /** The calendar of whom a counter belongs to. */
  calendarOf(subject: string): Calendar {
    const zone = this.rules.zoneOf(subject)
    return this.limiter.calendarOf(zone)
  }

  stop(): void {
    this.limiter.stop()
    this.#watch.stop()
  }
}
