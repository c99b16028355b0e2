import type { Plan } from './plan.js'

export interface PlanChoice {
  readonly plans: { get(tier: string): Plan | undefined; keys(): Iterable<string> }
  readonly defaultPlan: string
  readonly trustTierClaim: boolean
}

/** What an admin has set for an account, as far as it changes plans. */
export interface AccountRules {
  /** The tier set for the account; undefined: none. */
  tierOf(userId: string): string | undefined
  /** The plan as it holds for this account; the same object as long as it is the same plan. */
  adjust(userId: string, plan: Plan): Plan
}

/** The plans by tier name, and which one applies to whom. */
export class PlanBook {
  readonly #plans: PlanChoice['plans']
  readonly #default: string
  readonly #trustsClaim: boolean
  readonly #rules: AccountRules
  readonly #onUnknown: (tier: string) => void
  readonly #reported = new Set<string>()

  /** `onUnknown` hears of each unknown tier once (of the first 100). */
  constructor(
    { plans, defaultPlan, trustTierClaim }: PlanChoice,
    rules: AccountRules,
    onUnknown: (tier: string) => void,
  ) {
    this.#trustsClaim = trustTierClaim
    this.#plans = plans
    this.#default = defaultPlan
    this.#rules = rules
    this.#onUnknown = onUnknown
  }

  /**
   * The plan of whoever sends a request: what an admin has set, else as their token says where tokens
   * are trusted.
   */
  ofSubject({ user_id, tier }: { readonly user_id: string; readonly tier?: string }): Plan {
    return this.ofUser(user_id, this.#trustsClaim ? tier : undefined)
  }

  /** The plan of a user who was otherwise of this tier. */
  ofUser(userId: string, tier: string | undefined): Plan {
    return this.#rules.adjust(userId, this.of(this.#rules.tierOf(userId) ?? tier))
  }

  /** The plan of a tier; the default plan when the tier is absent or unknown. */
  of(tier: string | undefined): Plan {
    const found = this.#plans.get(tier ?? this.#default)
    if (found) return found
    if (tier === undefined) throw new RangeError(`no plan ${this.#default}`)
    if (!this.#reported.has(tier) && this.#reported.size < 100) {
      this.#reported.add(tier)
      this.#onUnknown(tier)
    }
    return this.of(undefined)
  }

  find(tier: string): Plan | undefined {
    return this.#plans.get(tier)
  }

  /** The tiers that have a plan. */
  tiers(): string[] {
    return [...this.#plans.keys()]
  }
}
