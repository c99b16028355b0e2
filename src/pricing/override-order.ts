import type { Override } from './override.js'
import type { PricedUsage } from './priced-usage.js'

/**
 * The overrides that may price some usage, the one to ask first in front: stored ones before those
 * of the options, then the closest fit (the whole name before a beginning, a longer beginning before
 * a shorter, a named provider, a named service tier), then the one that began last.
 */
export function overridesFor(
  { provider, model, service_tier }: PricedUsage,
  stored: readonly Override[],
  fixed: readonly Override[],
): Override[] {
  const fits = (one: Override) =>
    model !== undefined &&
    fitsModel(one.model, model) &&
    (one.provider === undefined || one.provider === provider) &&
    (one.service_tier === undefined || one.service_tier === service_tier)
  return [stored.filter(fits).sort(closest), fixed.filter(fits).sort(closest)].flat()
}

function fitsModel(pattern: string, model: string): boolean {
  return pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : model === pattern
}

function closest(a: Override, b: Override): number {
  return closeness(b) - closeness(a) || (b.from > a.from ? 1 : b.from < a.from ? -1 : 0)
}

function closeness({ provider, model, service_tier }: Override): number {
  const fit = model.endsWith('*') ? model.length : 1000
  return fit * 4 + (provider === undefined ? 0 : 2) + (service_tier === undefined ? 0 : 1)
}
