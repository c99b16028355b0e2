import type { Clock } from '../clock.js'
import { KeptFresh, requestWaitMs } from '../kept-fresh.js'
import type { Logger } from '../logger.js'
import type { PlanDoc } from '../store/plan-store.js'
import type { Plan } from './plan.js'
import { planOver, planSchema, unlimited } from './plan-options.js'

/** The store, as it is read here. */
export interface PlanDoor {
  all(): Promise<PlanDoc[]>
}

export interface PlanDefaults {
  readonly plans: ReadonlyMap<string, Plan>
  readonly onStoreError: Plan['onStoreError']
}

/** The plans: those of the options, with what admins have changed, as this process knows it. */
export class StoredPlans extends KeptFresh {
  readonly #door: PlanDoor
  readonly #defaults: PlanDefaults
  #stored = new Map<string, { doc: PlanDoc; plan: Plan }>()

  constructor(door: PlanDoor, defaults: PlanDefaults, clock: Clock, logger: Logger) {
    super({ what: 'stored plans', waitMs: requestWaitMs, clock, logger })
    this.#door = door
    this.#defaults = defaults
  }

  /** The same object as long as it is the same plan. */
  get(tier: string): Plan | undefined {
    void this.ready()
    return this.#stored.get(tier)?.plan ?? this.#defaults.plans.get(tier)
  }

  /** The tiers that have a plan. */
  keys(): Set<string> {
    return new Set([...this.#defaults.plans.keys(), ...this.#stored.keys()])
  }

  /** The plans by name, each with what is stored of it. */
  list(): { plan: Plan; doc: PlanDoc | undefined }[] {
    return [...this.keys()].sort().flatMap((tier) => {
      const plan = this.get(tier)
      return plan === undefined ? [] : [{ plan, doc: this.#stored.get(tier)?.doc }]
    })
  }

  /** A plan as it would be with this stored of it. */
  with(doc: PlanDoc): Plan {
    const { _id: tier, limits, budget, priority, concurrency, on_store_error } = doc
    const { plans, onStoreError } = this.#defaults
    const own = planSchema.parse({ limits, priority, concurrency, onStoreError: on_store_error })
    const terms = budget === undefined ? {} : { budget: budget || null }
    return planOver({ ...own, ...terms }, plans.get(tier) ?? { tier, ...unlimited, onStoreError })
  }

  protected async read(): Promise<void> {
    const docs = await this.#door.all()
    this.#stored = new Map(
      docs.map((doc) => {
        const known = this.#stored.get(doc._id)
        const isSame = known?.doc.updated_at.getTime() === doc.updated_at.getTime()
        return [doc._id, known && isSame ? known : { doc, plan: this.with(doc) }]
      }),
    )
  }
}

/** The first requests may come before the connection: they wait for it, a bounded time. */
export function planDoor(plans: PlanDoor, ready: () => Promise<void>): PlanDoor {
  return { all: () => ready().then(() => plans.all()) }
}
