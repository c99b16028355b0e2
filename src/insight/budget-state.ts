import type { Standing } from '../limits/standing.js'

/** How far a budget is used, and where that leads. */
export interface BudgetState {
  period_start: Date
  period_end: Date
  /** Settled in the current period. */
  used_usd: number
  /** Held for operations that run. */
  held_usd: number
  remaining_usd: number
  /** 0.., two decimals. */
  used_percent: number
  /** The highest threshold that is reached, percent; null: none. */
  threshold_reached: number | null
  exhausted: boolean
  /** What it comes to by the end of the period at the pace so far; null while too little has passed. */
  projected_usd: number | null
  /** When it is used up at that pace; null: not in this period, or it is already. */
  exhausts_at: Date | null
}

/** Before this part of a period has passed, a pace says nothing. */
const minPart = 0.01

/** The pace is what was used per time since the period began. */
export function budgetState(standing: Standing, now: number): BudgetState {
  const { limit, used, held, startsAt, resetsAt } = standing
  const part = (now - startsAt) / (resetsAt - startsAt)
  const hasPace = part >= minPart
  const projected = hasPace ? Math.round(used / part) : null
  const exhausted = used >= limit.limit
  const isShort = !exhausted && projected !== null && projected >= limit.limit
  const reached = (limit.thresholds ?? []).filter(
    (percent) => used >= (limit.limit * percent) / 100,
  )
  return {
    period_start: new Date(startsAt),
    period_end: new Date(resetsAt),
    used_usd: used / 1e9,
    held_usd: held / 1e9,
    remaining_usd: Math.max(0, limit.limit - used - held) / 1e9,
    used_percent: Math.round((used / limit.limit) * 10_000) / 100,
    threshold_reached: reached.at(-1) ?? null,
    exhausted,
    projected_usd: projected === null ? null : projected / 1e9,
    exhausts_at: isShort
      ? new Date(startsAt + Math.round(((now - startsAt) * limit.limit) / used))
      : null,
  }
}
