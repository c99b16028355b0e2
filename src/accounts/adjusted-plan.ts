import type { Plan } from '../limits/plan.js'
import type { AccountSettings, LimitOverride } from '../store/account-store.js'

interface Adjusted {
  readonly base: Plan
  readonly plan: Plan
  /** Epoch ms at which the next override ends. */
  readonly until: number
}

const made = new WeakMap<AccountSettings, Adjusted>()

/** A plan with an account's overrides and zone in place; the same object as long as it is the same plan. */
export function adjustedPlan(base: Plan, settings: AccountSettings, now: number): Plan {
  const { overrides = [], timezone } = settings
  if (overrides.length === 0 && timezone === undefined) return base
  const known = made.get(settings)
  if (known?.base === base && now < known.until) return known.plan
  const holding = overrides.filter(({ until }) => endOf(until) > now)
  const byName = new Map(holding.map((one) => [one.name, one]))
  const adjusted = {
    base,
    plan: byName.size === 0 && timezone === undefined ? base : adjust(base, byName, timezone),
    until: Math.min(...holding.map(({ until }) => endOf(until))),
  }
  made.set(settings, adjusted)
  return adjusted.plan
}

function adjust(
  base: Plan,
  byName: ReadonlyMap<string, LimitOverride>,
  timezone: string | undefined,
): Plan {
  const limits = base.limits.flatMap((limit) => {
    const override = byName.get(limit.name)
    if (override === undefined) return [limit]
    if (override.limit === null) return []
    const isCost = limit.metric === 'cost'
    return [{ ...limit, limit: Math.round(isCost ? override.limit * 1e9 : override.limit) }]
  })
  return Object.freeze({ ...base, limits, timezone })
}

function endOf(until: Date | undefined): number {
  return until?.getTime() ?? Infinity
}
