import type { LimitState } from './quota.js'

/** What one operation of the past used. */
export interface PastUse {
  tokens_used: number
  cost_nano_usd: number | null
}

/** How many more operations of a kind the caller can do. */
export interface Estimate {
  /** Null: of any kind. */
  operation_type: string | null
  /** Null: with any model. */
  model: string | null
  /** Null without operations to go by. */
  median_tokens: number | null
  /** Of the tokens, squared; null with fewer than two operations. */
  variance: number | null
  sample_size: number
  /** Null: nothing limits them. */
  estimated_remaining: { min: number | null; max: number | null }
  confidence: 'high' | 'medium' | 'low'
}

/** Operations that an estimate goes by at most: the latest. */
export const estimateSamples = 100

/**
 * Holds what operations usually use against what is left. `min` goes by the upper quartile of the
 * caller's own operations, `max` by the lower; each is what the tightest limit allows. Confidence is
 * high from 20 operations on whose standard deviation is at most half their mean, medium from 5 on
 * where it is at most their mean, else low. Without operations to go by, `usual` tokens are assumed.
 */
export function estimate(
  asked: Pick<Estimate, 'operation_type' | 'model'>,
  past: readonly PastUse[],
  limits: readonly LimitState[],
  usual: number,
): Estimate {
  const tokens = past.map((one) => one.tokens_used).sort((a, b) => a - b)
  const costs = past.flatMap(({ cost_nano_usd: cost }) => (cost === null ? [] : [cost / 1e9]))
  costs.sort((a, b) => a - b)
  const needs = (share: number) => ({
    requests: 1,
    tokens: quantile(tokens, share) ?? usual,
    cost: quantile(costs, share) ?? 0,
  })
  const variance = varianceOf(tokens)
  return {
    ...asked,
    median_tokens: quantile(tokens, 0.5) ?? null,
    variance,
    sample_size: tokens.length,
    estimated_remaining: {
      min: timesThatFit(limits, needs(0.75)),
      max: timesThatFit(limits, needs(0.25)),
    },
    confidence: confidenceOf(tokens, variance),
  }
}

/** How often the same fits under all limits that refuse; null where none does. */
function timesThatFit(
  limits: readonly LimitState[],
  need: Readonly<Record<LimitState['metric'], number>>,
): number | null {
  const bounds = limits
    .filter(({ enforcement, metric }) => enforcement !== 'soft' && need[metric] > 0)
    .map(({ metric, remaining }) => Math.floor(remaining / need[metric]))
  return bounds.length === 0 ? null : Math.min(...bounds)
}

/** Linear between the two nearest; undefined of nothing. */
function quantile(sorted: readonly number[], share: number): number | undefined {
  const position = share * (sorted.length - 1)
  const below = sorted[Math.floor(position)]
  const above = sorted[Math.ceil(position)]
  if (below === undefined || above === undefined) return undefined
  return below + (above - below) * (position - Math.floor(position))
}

/** Of a sample: over one less than its size. */
function varianceOf(values: readonly number[]): number | null {
  if (values.length < 2) return null
  const mean = meanOf(values)
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return Math.round((squares / (values.length - 1)) * 100) / 100
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function confidenceOf(tokens: readonly number[], variance: number | null): Estimate['confidence'] {
  if (variance === null) return 'low'
  const mean = meanOf(tokens)
  const spread = variance === 0 ? 0 : Math.sqrt(variance) / mean
  if (tokens.length >= 20 && spread <= 0.5) return 'high'
  return tokens.length >= 5 && spread <= 1 ? 'medium' : 'low'
}
