import type { Model } from '../models.js'
import type { TokenUsage } from '../usage.js'

export interface Costs {
  readonly prompt: number
  readonly completion: number
}

/** Dollars for this usage at the model's prices. */
export function costs(usage: TokenUsage, { usdPerMillion: usd }: Model): Costs {
  const fresh = usage.input_tokens - usage.cache_read_tokens
  return {
    prompt: (fresh * usd.input + usage.cache_read_tokens * usd.cached) / 1e6,
    completion: (usage.output_tokens * usd.output) / 1e6,
  }
}

/** Dollars to twelve decimals, so that binary fractions leave no tail. */
export function sumOf({ prompt, completion }: Costs): number {
  return Number((prompt + completion).toFixed(12))
}
