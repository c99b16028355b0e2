import type { Flow } from '../store/counter-flow.js'
import type { Limit } from './plan.js'

/** How much of a smoothed limit may come at once: what runs off in this time, ms. */
const burstMs = 10_000

/**
 * Tokens a minute that would rather wait come at a steady rate, beside being counted by the minute.
 * Where the most an operation can use is held, there is nothing to smooth afterwards.
 */
export function isSmoothed({ metric, window, enforcement, reservation }: Limit): boolean {
  const isPerMinute = metric === 'tokens' && window === 'minute'
  return isPerMinute && enforcement === 'throttle' && reservation === 'typical'
}

export function flowOf({ name, limit }: Limit): Flow {
  const perMs = Math.max(1, limit) / 60_000
  return { name, perMs, burst: Math.min(limit, Math.ceil(perMs * burstMs)) }
}
