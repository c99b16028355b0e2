import { counterOf } from '../budgets/budget-subject.js'
import { dayMs } from '../time.js'
import type { Store } from '../store/store.js'
import { healCounter, type Difference, type HealDoor } from './heal.js'
import { Calendar } from './windows.js'

type Door = HealDoor & Pick<Store, 'accounts' | 'budgets'>

/** How soon every instance knows that a budget has gone, ms. */
const knownMs = 15_000
/** No month is longer, in any zone, ms. */
const monthMs = 32 * dayMs

export interface HealAllOptions {
  /** The billing zone: option `timezone` of the meter. */
  readonly timezone: string
  readonly now: number
  /** False: only looks. */
  readonly heals: boolean
  readonly onDifference: (subject: string, difference: Difference) => void
}

/** How many counters were looked at, differ (or did), and could not be judged since they are in use. */
export interface HealReport {
  counters: number
  differ: number
  busy: number
}

/** Holds every counter that was used this month against the log. */
export async function healAll(store: Door, options: HealAllOptions): Promise<HealReport> {
  const { now, heals, onDifference } = options
  const zones = new Map<string, string>()
  for (const { user_id, settings } of await store.accounts.settingsSince(undefined)) {
    if (settings.timezone !== undefined) zones.set(`user:${user_id}`, settings.timezone)
  }
  const left = await leftAt(store)
  const report = { counters: 0, differ: 0, busy: 0 }
  for await (const counter of store.counters.usedSince(new Date(now - monthMs))) {
    if (counter.updated_at.getTime() < (left.get(counter.subject) ?? -Infinity)) continue
    const calendar = new Calendar(zones.get(counter.subject) ?? options.timezone)
    const found = await healCounter(store, counter, { calendar, now, heals })
    report.counters += 1
    if (found.outcome === 'busy') report.busy += 1
    if (!('differences' in found)) continue
    report.differ += 1
    for (const difference of found.differences) onDifference(counter.subject, difference)
  }
  return report
}

/** Since when nobody counts for subjects whose budgets have gone, as far as no plan does, epoch ms. */
async function leftAt({ budgets }: Pick<Store, 'budgets'>): Promise<Map<string, number>> {
  const left = new Map<string, number>()
  const held = new Set<string>()
  for (const budget of await budgets.since(undefined)) {
    const subject = counterOf(budget)
    if (!budget.deleted) held.add(subject)
    const goneAt = budget.updated_at.getTime() + knownMs
    left.set(subject, Math.max(goneAt, left.get(subject) ?? goneAt))
  }
  for (const subject of held) left.delete(subject)
  return left
}
