import type { CounterPart } from '../store/counter-move.js'
import type { Amount } from './amount.js'
import type { Limit, Plan } from './plan.js'
import { sumsIn } from './tally.js'
import type { Calendar } from './windows.js'

/** A limit, and how far it is used. */
export interface Standing {
  readonly limit: Limit
  readonly used: number
  readonly held: number
  /** The window: `day@2026-11-25`. */
  readonly key: string
  /** Epoch ms; -Infinity for a lifetime. */
  readonly startsAt: number
  /** Epoch ms; Infinity for a lifetime. */
  readonly resetsAt: number
}

/** The name under which too many operations at once are refused. */
export const concurrencyName = 'concurrency'
/** Where only what runs now is counted. */
export const nowKey = 'now'

export function concurrencyLimit(limit: number): Limit {
  return {
    name: concurrencyName,
    metric: 'requests',
    window: 'minute',
    limit,
    enforcement: 'hard',
    reservation: 'strict',
  }
}

/** Whether what an operation will use of a limit is known, or held at its most, when it begins. */
export function isKnownBefore({ metric, reservation }: Limit): boolean {
  return metric === 'requests' || reservation === 'strict'
}

/** How a plan's limits stand by what a counter says. */
export function standingsOf(
  plan: Plan,
  parts: readonly CounterPart[],
  calendar: Calendar,
  now: number,
): Standing[] {
  const standings = plan.limits.map((limit): Standing => {
    const { key, from, resetsAt } = calendar.at(now, limit.window)
    const { used, held } = sumsIn(parts, key, now)
    const { metric } = limit
    const window = { key, startsAt: from, resetsAt }
    return { limit, used: used[metric], held: held[metric], ...window }
  })
  if (plan.concurrency === null) return standings
  const { held } = sumsIn(parts, nowKey, now)
  const limit = concurrencyLimit(plan.concurrency)
  const window = { key: nowKey, startsAt: now, resetsAt: now + 1_000 }
  return [...standings, { limit, used: 0, held: held.requests, ...window }]
}

/** What may begin still. */
export function leftOf({ limit, used, held }: Standing): number {
  return Math.max(0, limit.limit - used - (isKnownBefore(limit) ? held : 0))
}

/** The limits for which an operation was refused. */
export function violatedOf(standings: readonly Standing[], amount: Amount): Standing[] {
  return standings.filter((one) => one.limit.enforcement !== 'soft' && isFull(one, amount))
}

/** Soft limits that an operation that was let through has passed, or finds used up. */
export function passedOf(standings: readonly Standing[]): Standing[] {
  return standings.filter((one) => {
    if (one.limit.enforcement !== 'soft') return false
    const { limit, used, held } = one
    return isKnownBefore(limit) ? used + held > limit.limit : used >= limit.limit
  })
}

function isFull({ limit, used, held }: Standing, amount: Amount): boolean {
  return isKnownBefore(limit)
    ? used + held + amount[limit.metric] > limit.limit
    : used >= limit.limit
}
