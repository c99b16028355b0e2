import type { CostSource, Extras } from '../event.js'

/** What is to be priced: one model's tokens, in the normal form. */
export interface PricedUsage extends Extras {
  provider?: string | undefined
  model?: string | undefined
  /** Everything sent, cache included. */
  input_tokens: number
  /** Everything produced, reasoning included. */
  output_tokens: number
  cache_read_tokens?: number | undefined
  cache_write_tokens?: number | undefined
  /** Part of `cache_write_tokens`. */
  cache_write_1h_tokens?: number | undefined
  reasoning_tokens?: number | undefined
  /** As the provider names it: `batch`, `flex`, `priority` … */
  service_tier?: string | undefined
  /** Provider calls that it is the sum of. */
  attempts?: number | undefined
  /** What the provider says it cost, US dollars. */
  cost_usd?: number | undefined
}

/** What it cost: integer nano-dollars, or null where no price is known. */
export interface Priced {
  cost_nano_usd: number | null
  cost_source?: CostSource
}

/** Asks what usage cost at a moment, whose prompt was this long: all that was sent, unless given. */
export type Price = (usage: PricedUsage, at: Date, context?: number) => Priced
