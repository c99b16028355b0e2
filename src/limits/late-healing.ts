import type { Clock } from '../clock.js'
import { slowWriteMs } from '../rollup/freshness.js'
import type { LateOwner } from '../store/log-sums.js'
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
    const { store, rules, maxOwners = 2_000 } = this.#options
    const to = new Date((await store.db.serverNow()).getTime() - settledMs)
    const after = this.#upTo ?? new Date(to.getTime() - dayMs)
    const owners = await store.sums.late(after, to, maxOwners, readMs)
    const levels = new Map<string, Level>()
    for (const level of await rules.levelsOfLate(owners)) levels.set(level.subject, level)
    const failures = await this.#look([...levels.values()])
    this.#upTo = owners.length < maxOwners ? to : goOnAfter(owners)
    if (failures.length > 0) throw failures[0]
  }

  async #look(levels: readonly Level[]): Promise<unknown[]> {
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
          await this.#heal(counter, plan)
        } catch (error) {
          failures.push(error)
          // Where the store is away, nothing is gone on with.
          await db.serverNow()
        }
      }
    }
    return failures
  }

  async #heal(counter: Counter, plan: Level['plan']): Promise<void> {
    const { store, clock, calendarOf } = this.#options
    const limited = ['day', 'month', ...plan.limits.map(({ window }) => window)] as const
    const calendar = calendarOf(counter.subject)
    await healCounter(store, counter, { calendar, now: clock.now(), heals: true, limited })
  }
}

/** What is recorded together has one stamp, and may have been left out in part. */
function goOnAfter(owners: readonly LateOwner[]): Date | undefined {
  const [first, last] = [owners[0]?.last, owners.at(-1)?.last]
  return first === undefined || last === undefined || first < last
    ? last && new Date(last.getTime() - 1)
    : last
}
