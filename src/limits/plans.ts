import type { Plan } from './plan.js'

export interface PlanChoice {
  readonly plans: ReadonlyMap<string, Plan>
  readonly defaultPlan: string
  readonly trustTierClaim: boolean
}

/** The plans by tier name, and which one applies to unknown tiers. */
export class PlanBook {
  readonly #plans: ReadonlyMap<string, Plan>
  readonly #default: Plan
  readonly #trustsClaim: boolean
  readonly #onUnknown: (tier: string) => void
  readonly #reported = new Set<string>()

  /** `onUnknown` hears of each unknown tier once (of the first 100). */
  constructor(
    { plans, defaultPlan, trustTierClaim }: PlanChoice,
    onUnknown: (tier: string) => void,
  ) {
    const fallback = plans.get(defaultPlan)
    if (fallback === undefined) throw new RangeError(`no plan ${defaultPlan}`)
    this.#trustsClaim = trustTierClaim
    this.#plans = plans
    this.#default = fallback
    this.#onUnknown = onUnknown
  }

  /** The plan of whoever sends a request, as their token says where tokens are trusted. */
  ofSubject({ tier }: { readonly tier?: string }): Plan {
    return this.of(this.#trustsClaim ? tier : undefined)
  }

  /** The plan of a tier; the default plan when the tier is absent or unknown. */
  of(tier: string | undefined): Plan {
    if (tier === undefined) return this.#default
    const found = this.#plans.get(tier)
    if (found) return found
    if (!this.#reported.has(tier) && this.#reported.size < 100) {
      this.#reported.add(tier)
      this.#onUnknown(tier)
    }
    return this.#default
  }
}
