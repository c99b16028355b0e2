import type { Level, Limiter } from '../limits/limiter.js'
import type { Metric, Plan, Window } from '../limits/plan.js'
import type { Standing } from '../limits/standing.js'

/** A plan, and how far each of its limits is used. Cost in US dollars. */
export interface Quota {
  user_id: string
  subscription_tier: string
  limits: LimitState[]
}

export interface LimitState {
  /** Whether it holds the user, or all users of their organisation together. */
  scope: 'user' | 'org'
  name: string
  metric: Metric
  window: Window
  enforcement: 'hard' | 'soft' | 'throttle'
  limit: number
  /** Settled in the current window. */
  used: number
  /** Held for operations that run. */
  held: number
  remaining: number
  /** Null for a lifetime. */
  resets_at: Date | null
}

/** How far a user's plan is used now, and that of their organisation where it has one. */
export async function quota(
  limiter: Limiter,
  user_id: string,
  plan: Plan,
  org?: Level,
): Promise<Quota> {
  const levels = [{ subject: `user:${user_id}`, plan }, ...(org ? [org] : [])]
  const [own = [], shared = []] = await limiter.lookAll(levels)
  const limits = [
    ...own.map((one) => stateOf('user', one)),
    ...shared.map((one) => stateOf('org', one)),
  ]
  return { user_id, subscription_tier: plan.tier, limits }
}

function stateOf(scope: LimitState['scope'], standing: Standing): LimitState {
  const { limit, used, held, resetsAt } = standing
  const shown = (amount: number) => (limit.metric === 'cost' ? amount / 1e9 : amount)
  return {
    scope,
    name: limit.name,
    metric: limit.metric,
    window: limit.window,
    enforcement: limit.enforcement,
    limit: shown(limit.limit),
    used: shown(used),
    held: shown(held),
    remaining: shown(Math.max(0, limit.limit - used - held)),
    resets_at: Number.isFinite(resetsAt) ? new Date(resetsAt) : null,
  }
}
