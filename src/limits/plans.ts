/** A tier of the host's product. */
export interface Plan {
  readonly tier: string
  /** Tokens per calendar month; null = unlimited. */
  readonly tokensPerMonth: number | null
}

const builtIn: Readonly<Record<string, number>> = {
  free: 10_000,
  basic: 50_000,
  pro: 200_000,
  enterprise: 1_000_000,
}

/** The plans by tier name, and which one applies to unknown tiers. */
export class PlanBook {
  readonly #plans = new Map<string, Plan>()
  readonly #defaultTier: string
  readonly #onUnknown: (tier: string) => void
  readonly #reported = new Set<string>()

  /** `onUnknown` hears of each unknown tier once (of the first 100). */
  constructor(defaultTier: string, onUnknown: (tier: string) => void) {
    for (const [tier, tokensPerMonth] of Object.entries(builtIn)) {
      this.#plans.set(tier, { tier, tokensPerMonth })
    }
    this.#defaultTier = defaultTier
    this.#onUnknown = onUnknown
  }

  /** The plan of a tier; the default plan when the tier is absent or unknown. */
  of(tier: string | undefined): Plan {
    const found = this.#plans.get(tier ?? this.#defaultTier)
    if (found) return found
    if (tier !== undefined && !this.#reported.has(tier) && this.#reported.size < 100) {
      this.#reported.add(tier)
      this.#onUnknown(tier)
    }
    return this.#plans.get(this.#defaultTier) ?? { tier: this.#defaultTier, tokensPerMonth: null }
  }
}
