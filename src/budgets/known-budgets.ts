import type { Clock } from '../clock.js'
import { KeptChanges } from '../kept-changes.js'
import { requestWaitMs } from '../kept-fresh.js'
import { budgetLimit } from '../limits/budget-terms.js'
import type { Limit, Plan } from '../limits/plan.js'
import type { Logger } from '../logger.js'
import type { BudgetDoc } from '../store/budget-store.js'
import { counterOf } from './budget-subject.js'

/** The store, as it is read here. */
export interface BudgetDoor {
  since(since: Date | undefined): Promise<BudgetDoc[]>
}

/** The budgets of one counter; made anew whenever one changes, so that plans can be kept with it. */
interface Own {
  readonly docs: ReadonlyMap<string, BudgetDoc>
  readonly limits: readonly Limit[]
  readonly plans: WeakMap<Plan, Plan>
}

/** The stored budgets, as this process knows them. */
export class KnownBudgets extends KeptChanges<BudgetDoc> {
  readonly #door: BudgetDoor
  readonly #own = new Map<string, Own>()

  constructor(door: BudgetDoor, clock: Clock, logger: Logger) {
    super({ what: 'stored budgets', waitMs: requestWaitMs, clock, logger })
    this.#door = door
  }

  /**
   * A plan with a counter's own budgets, which replace the plan's of the same period; the same object
   * as long as it is the same plan.
   */
  adjust(counter: string, plan: Plan): Plan {
    void this.ready()
    const own = this.#own.get(counter)
    if (own === undefined) return plan
    const known = own.plans.get(plan)
    if (known !== undefined) return known
    const replaced = new Set(own.limits.map(({ name }) => name))
    const kept = plan.limits.filter(({ name }) => !replaced.has(name))
    const adjusted = Object.freeze({ ...plan, limits: [...kept, ...own.limits] })
    own.plans.set(plan, adjusted)
    return adjusted
  }

  /** Forgets the budgets of a counter that were set before an instant. */
  forget(counter: string, before: Date): void {
    const docs = [...(this.#own.get(counter)?.docs.values() ?? [])]
    if (docs.every(({ updated_at }) => updated_at < before)) this.#own.delete(counter)
  }

  protected changedSince(since: Date | undefined): Promise<BudgetDoc[]> {
    return this.#door.since(since)
  }

  protected take(doc: BudgetDoc): void {
    const counter = counterOf(doc)
    const before = this.#own.get(counter)?.docs
    const known = before?.get(doc._id)
    if (known?.revision === doc.revision && +known.updated_at === +doc.updated_at) return
    const docs = new Map(before).set(doc._id, doc)
    const limits = [...docs.values()].filter(({ deleted }) => !deleted).map(budgetLimit)
    if (limits.length === 0 && before === undefined) return
    this.#own.set(counter, { docs, limits, plans: new WeakMap() })
  }
}

/** The first requests may come before the connection: they wait for it, a bounded time. */
export function budgetDoor(budgets: BudgetDoor, ready: () => Promise<void>): BudgetDoor {
  return { since: (since) => ready().then(() => budgets.since(since)) }
}
