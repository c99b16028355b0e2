import type { CostSource, Extras, ModelShare, UnrecordedEvent } from '../event.js'
import type { Price, Priced } from './priced-usage.js'

/** The certain costs first: repricing leaves those of the first two alone. */
const certainty: readonly CostSource[] = ['provider', 'annotated', 'override', 'catalogue']

/** What an event's cost depends on. */
export type Priceable = Pick<
  UnrecordedEvent,
  | 'provider'
  | 'model'
  | 'input_tokens'
  | 'output_tokens'
  | 'cache_read_tokens'
  | 'cache_write_tokens'
  | 'cache_write_1h_tokens'
  | 'reasoning_tokens'
  | keyof Extras
  | 'service_tier'
  | 'attempts'
  | 'tokens_used'
  | 'token_source'
  | 'cost_nano_usd'
  | 'cost_source'
  | 'models'
  | 'timestamp'
>

/** True for a cost that was given, by the provider or the host: nobody computes it again. */
export function isGiven(source: CostSource | undefined): boolean {
  return source === 'provider' || source === 'annotated'
}

/**
 * The cost of an event whose own is not given. Of an operation that had several models, each share
 * is priced by itself; with one share unpriced the cost is null, else it says its least certain source.
 */
export function priceOf(event: Priceable, price: Price): Priced & { models?: ModelShare[] } {
  const { models, timestamp } = event
  if (models === undefined || models.length === 0) {
    return usedNothing(event) ? { cost_nano_usd: null } : price(event, timestamp)
  }
  const priced = models.map((share) => priceShare(share, timestamp, price))
  let sum: number | null = 0
  let least = 0
  for (const { cost_nano_usd, cost_source } of priced) {
    sum = sum === null || cost_nano_usd === null ? null : sum + cost_nano_usd
    if (cost_source !== undefined) least = Math.max(least, certainty.indexOf(cost_source))
  }
  const cost_source = certainty[least]
  return {
    cost_nano_usd: sum,
    ...(sum !== null && cost_source !== undefined && { cost_source }),
    models: priced,
  }
}

/** Gives an event its cost, where it has none yet. */
export function priceEvent(event: UnrecordedEvent, price: Price): void {
  if (event.cost_source !== undefined) return
  const { cost_nano_usd, cost_source, models } = priceOf(event, price)
  event.cost_nano_usd = cost_nano_usd
  if (cost_source !== undefined) event.cost_source = cost_source
  if (models !== undefined) event.models = models
}

function priceShare(share: ModelShare, at: Date, price: Price): ModelShare {
  if (isGiven(share.cost_source)) return share
  const { cost_nano_usd: _, cost_source: __, ...usage } = share
  return { ...usage, ...price(usage, at) }
}

/** Nothing that anybody counted: then there is no cost to speak of, and none is made up. */
function usedNothing({ tokens_used, token_source }: Priceable): boolean {
  return tokens_used === 0 && (token_source === 'none' || token_source === 'estimate')
}
