import type { Clock } from '../clock.js'
import { slowWriteMs } from '../rollup/freshness.js'
import type { Store } from '../store/store.js'
import { dayMs } from '../time.js'
import { healCounter, type Counter, type HealDoor } from './heal.js'
import type { Level } from './limiter.js'
import type { Rules } from './rules.js'
import type { Calendar } from './windows.js'

export interface LateHealingOptions {
  readonly store: HealDoor & { readonly db: Pick<Store['db'], 'serverNow'> }
  readonly clock: Clock
  readonly calendarOf: (subject: string) => Calendar
  /** What users are held to. */
  readonly rules: Pick<Rules, 'levelsOfLate'>
  /** Users looked at in one run at most; the next goes on. Default: 2,000. */
  readonly maxOwners?: number
}

/** By then a write is in view, and living processes have told the counters of what is their own, ms. */
const settledMs = slowWriteMs + 5_000
/** How long the log may be looked through, ms. */
const readMs = 30_000

/**
 * Counts what has come into the log late, when no process may have told the counters: of a process that
 * died before MongoDB was back, of a changed price, of an earlier day. Counters that are in use are left
 * to `Healing`; those of organisations and of all together only begin here (see there).
 */
export class LateHealing {
  readonly #options: LateHealingOptions
  /** Up to which `recorded_at` it has looked. */
  #upTo: Date | undefined

  constructor(options: LateHealingOptions) {
    this.#options = options
  }

  /**
   * One that fails holds up no other. Rejects with its failure; and where the store is away, and then
   * the next run begins where this one did.
   */
  async run(): Promise<void> {
    const { store, rules } = this.#options
    const to = new Date((await store.db.serverNow()).getTime() - settledMs)
    const { owners, upTo } = await this.#ownersOf(this.#upTo ?? new Date(to.getTime() - dayMs), to)
    const levels = new Map<string, Level>()
    if (owners.length > 0)
      for (const level of await rules.levelsOfLate(owners)) levels.set(level.subject, level)
    const failures = await this.#look([...levels.values()], to)
    this.#upTo = upTo
    if (failures.length > 0) throw failures[0]
  }

  /** The first of them, and up to when these are all: what is recorded together may be left out in part. */
  async #ownersOf(after: Date, to: Date) {
    const { store, maxOwners = 2_000 } = this.#options
    for (let limit = maxOwners; ; limit *= 2) {
      const owners = await store.sums.late(after, to, limit, readMs)
      const last = owners.at(-1)?.last
      if (owners.length < limit || last === undefined) return { owners, upTo: to }
      const before = new Date(last.getTime() - 1)
      if (owners.some((one) => one.last <= before)) return { owners, upTo: before }
    }
  }

  async #look(levels: readonly Level[], recordedUntil: Date): Promise<unknown[]> {
    const { counters, db } = this.#options.store
    const failures: unknown[] = []
    for (let at = 0; at < levels.length; at += 500) {
      const some = levels.slice(at, at + 500)
      const known = new Map<string, Counter>()
      for (const one of await counters.states(some.map(({ subject }) => subject)))
        known.set(one.subject, one)
      for (const { subject, plan } of some) {
        const counter = known.get(subject) ?? { subject }
        const isBegun = counter.parts !== undefined && counter.parts.length > 0
        if (isBegun && !subject.startsWith('user:')) continue
        try {
          await this.#heal(counter, plan, recordedUntil)
        } catch (error) {
          failures.push(error)
          // Where the store is away, nothing is gone on with.
          await db.serverNow()
        }
      }
    }
    return failures
  }

  async #heal(counter: Counter, plan: Level['plan'], recordedUntil: Date): Promise<void> {
    const { store, clock, calendarOf } = this.#options
    const limited = ['day', 'month', ...plan.limits.map(({ window }) => window)] as const
    const calendar = calendarOf(counter.subject)
    const options = { calendar, now: clock.now(), heals: true, limited, recordedUntil }
    await healCounter(store, counter, options)
  }
}
