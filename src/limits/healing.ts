import type { Clock } from '../clock.js'
import { healCounter, type HealDoor } from './heal.js'
import type { Calendar } from './windows.js'

export interface HealingOptions {
  readonly store: HealDoor
  readonly clock: Clock
  /** The calendar of whom a counter belongs to. */
  readonly calendarOf: (subject: string) => Calendar
}

/** How long a counter is at rest before it is looked at, and once more, ms. */
const looksAfterMs = [60_000, 3_600_000]
/** What a first run looks back at, ms. */
const firstMs = 86_400_000
/** Counters looked at in one run at most; the next goes on. */
const maxCounters = 2_000

/**
 * Puts counters of users right that have come to rest since the last run. Organisations and all together
 * hardly ever rest, and are not indexed in the log: `npm run verify -- --limits` looks at them.
 */
export class Healing {
  readonly #options: HealingOptions
  /** Up to which instant of last use each look has come. */
  readonly #upTo = new Map<number, number>()

  constructor(options: HealingOptions) {
    this.#options = options
  }

  /** Rejects where the store does; the next run begins where this one ended. */
  async run(): Promise<void> {
    for (const afterMs of looksAfterMs) await this.#look(afterMs)
  }

  async #look(afterMs: number): Promise<void> {
    const { store, clock, calendarOf } = this.#options
    const now = clock.now()
    const to = now - afterMs
    const from = this.#upTo.get(afterMs) ?? to - firstMs
    let looks = 0
    for await (const counter of store.counters.usedIn(from, to, maxCounters)) {
      const calendar = calendarOf(counter.subject)
      await healCounter(store, counter, { calendar, now, heals: true })
      this.#upTo.set(afterMs, counter.updated_at.getTime())
      looks += 1
    }
    if (looks < maxCounters) this.#upTo.set(afterMs, to)
  }
}
