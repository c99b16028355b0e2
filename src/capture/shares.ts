import { putExtras, type CostSource, type ModelShare, type TokenSource } from '../event.js'
import type { Price } from '../pricing/priced-usage.js'
import { isOrdinary, mixedService } from '../pricing/service-tier.js'
import type { TokenFigures } from './reading.js'

/** A cost, and who said so; null = no price known. */
export interface Cost {
  readonly cost_nano_usd: number | null
  readonly cost_source?: CostSource
}

/** What one provider call used. */
export interface Part {
  readonly provider: string | undefined
  readonly model: string | undefined
  readonly generation_id: string | undefined
  readonly service_tier: string | undefined
  readonly tokens: TokenFigures
  readonly token_source: TokenSource
  readonly cost: Cost
}

/** What one model did of an operation. */
export interface Share {
  readonly provider: string | undefined
  readonly model: string | undefined
  readonly parts: Part[]
}

/** The parts by model, most tokens first. */
export function sharesOf(parts: readonly Part[]): Share[] {
  const shares = new Map<string, Share>()
  for (const part of parts) {
    const { provider, model } = part
    const key = `${provider ?? ''}\0${model ?? ''}`
    const known = shares.get(key)
    if (known) known.parts.push(part)
    else shares.set(key, { provider, model, parts: [part] })
  }
  return [...shares.values()]
    .map((share) => ({ share, used: usedBy(share.parts) }))
    .sort((a, b) => b.used - a.used)
    .map(({ share }) => share)
}

function usedBy(parts: readonly Part[]): number {
  const { input_tokens = 0, output_tokens = 0 } = sumOf(parts)
  return input_tokens + output_tokens
}

/** The figures of all parts together; what none of them tells is absent. */
export function sumOf(parts: readonly Part[]): TokenFigures {
  const sum: Record<string, number> = {}
  for (const { tokens } of parts) {
    for (const [key, value] of Object.entries(tokens) as [string, number | undefined][]) {
      if (value !== undefined) sum[key] = (sum[key] ?? 0) + value
    }
  }
  return sum
}

const tokenSources: readonly TokenSource[] = [
  'none',
  'provider',
  'annotated',
  'tokenizer',
  'estimate',
]
const costSources: readonly CostSource[] = ['provider', 'annotated', 'override', 'catalogue']

/** An operation is as sure as the least sure of its parts. */
export function tokenSourceOf(parts: readonly Part[]): TokenSource {
  return (
    lastOf(
      tokenSources,
      parts.map((part) => part.token_source),
    ) ?? 'none'
  )
}

/** The costs of all parts together; null as soon as one that used something has no price. */
export function costOfParts(parts: readonly Part[]): Cost {
  let sum = 0
  const sources: (CostSource | undefined)[] = []
  for (const { cost, token_source } of parts) {
    if (token_source === 'none') continue
    if (cost.cost_nano_usd === null) return { cost_nano_usd: null }
    sum += cost.cost_nano_usd
    sources.push(cost.cost_source)
  }
  const cost_source = lastOf(costSources, sources)
  return { cost_nano_usd: sum, ...(cost_source !== undefined && { cost_source }) }
}

/**
 * The parts with the costs that nobody gave. Each call is priced by itself: some prices depend on
 * how long one prompt is.
 */
export function pricedParts(parts: readonly Part[], price: Price, at: Date): Part[] {
  return parts.map((part) => {
    const { provider, model, service_tier, tokens, token_source, cost } = part
    if (cost.cost_source !== undefined || token_source === 'none') return part
    const { input_tokens = 0, output_tokens = 0 } = tokens
    const usage = {
      ...tokens,
      ...{ input_tokens, output_tokens },
      ...(provider !== undefined && { provider }),
      ...(model !== undefined && { model }),
      ...(service_tier !== undefined && { service_tier }),
    }
    return { ...part, cost: price(usage, at) }
  })
}

/** The tier that the provider served these calls under, `mixed` where those that it answered differ. */
export function serviceTierOf(parts: readonly Part[]): string | undefined {
  const tiers = new Set(
    parts.filter(({ token_source }) => token_source !== 'none').map((part) => part.service_tier),
  )
  const [tier] = tiers
  if (tiers.size === 1) return tier
  return [...tiers].every(isOrdinary) ? undefined : mixedService
}

function lastOf<T>(order: readonly T[], found: readonly (T | undefined)[]): T | undefined {
  return order.findLast((one) => found.includes(one))
}

/** The breakdown as it is stored. */
export function modelShare({ provider, model, parts }: Share): ModelShare {
  const service_tier = serviceTierOf(parts)
  const sum = sumOf(parts)
  const { cost_nano_usd, cost_source } = costOfParts(parts)
  const { cache_write_1h_tokens } = sum
  const share: ModelShare = {
    ...(provider !== undefined && { provider }),
    ...(model !== undefined && { model }),
    attempts: parts.length,
    input_tokens: sum.input_tokens ?? 0,
    output_tokens: sum.output_tokens ?? 0,
    cache_read_tokens: sum.cache_read_tokens ?? 0,
    cache_write_tokens: sum.cache_write_tokens ?? 0,
    ...(cache_write_1h_tokens !== undefined && { cache_write_1h_tokens }),
    reasoning_tokens: sum.reasoning_tokens ?? 0,
    ...(service_tier !== undefined && { service_tier }),
    cost_nano_usd,
    ...(cost_source !== undefined && { cost_source }),
  }
  putExtras(share, sum)
  return share
}
