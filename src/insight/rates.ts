import { usdOf } from '../event.js'
import type { Figures } from '../rollup/cells.js'

/** A share in percent, two decimals; null when there is nothing to share. */
export function percent(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.round((part / whole) * 10_000) / 100
}

/** Mean response time in ms, two decimals; null without samples. */
export function meanResponseMs(figures: Figures): number | null {
  const { response_time_ms_sum, response_time_samples } = figures
  if (response_time_samples === 0) return null
  return Math.round((response_time_ms_sum / response_time_samples) * 100) / 100
}

/** Known cost in dollars; null when operations used tokens and none of them has a known price. */
export function costUsd(
  figures: Pick<Figures, 'cost_nano_usd' | 'unpriced_operations'>,
): number | null {
  const { cost_nano_usd, unpriced_operations } = figures
  return cost_nano_usd === 0 && unpriced_operations > 0 ? null : usdOf(cost_nano_usd)
}

export function tokensOf(figures: Figures): number {
  return figures.input_tokens + figures.output_tokens
}

/** A map of figures as a plain object of one number each. */
export function project(
  groups: ReadonlyMap<string, Figures>,
  value: (figures: Figures) => number,
): Record<string, number> {
  return Object.fromEntries([...groups].map(([key, figures]) => [key, value(figures)]))
}
