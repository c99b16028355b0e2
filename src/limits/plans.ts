import type { Plan } from './plan.js'

/** The plans by tier name, and which one applies to unknown tiers. */
export class PlanBook {
  readonly #plans: ReadonlyMap<string, Plan>
  readonly #default: Plan
  readonly #onUnknown: (tier: string) => void
  readonly #reported = new Set<string>()

  /** `onUnknown` hears of each unknown tier once (of the first 100). */
  constructor(
    plans: ReadonlyMap<string, Plan>,
    defaultTier: string,
    onUnknown: (tier: string) => void,
  ) {
    const fallback = plans.get(defaultTier)
    if (fallback === undefined) throw new RangeError(`no plan ${defaultTier}`)
    this.#plans = plans
    this.#default = fallback
    this.#onUnknown = onUnknown
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
