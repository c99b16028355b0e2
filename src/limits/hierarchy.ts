import { nothing, type Amount } from './amount.js'
import type { Admission, Level, Limiter, Reservation } from './limiter.js'
import type { Standing } from './standing.js'

/** What several levels together say, and what is held at each. */
export interface JointAdmission {
  readonly admission: Admission
  readonly reservations: readonly Reservation[]
  /** How long it is to wait before it begins, ms. */
  readonly delayMs: number
  /** The counter that refused, where one did. */
  readonly refusedBy?: string
}

/** Asks one level after the other, the user's first; what refuses releases what was held before it. */
export async function admitAll(
  limiter: Limiter,
  levels: readonly Level[],
  amount: Amount,
): Promise<JointAdmission> {
  const reservations: Reservation[] = []
  const standings: Standing[] = []
  let isDegraded = false
  let delayMs = 0
  for (const { subject, plan } of levels) {
    const admission = await limiter.admit(subject, plan, amount)
    if ('standings' in admission) standings.push(...admission.standings)
    if (!('reservation' in admission)) {
      for (const one of reservations) limiter.settle(one, nothing)
      const whole = admission.outcome === 'refused' ? { ...admission, standings } : admission
      return { admission: whole, reservations: [], delayMs: 0, refusedBy: subject }
    }
    reservations.push(admission.reservation)
    if (admission.outcome === 'degraded') isDegraded = true
    else delayMs = Math.max(delayMs, admission.delayMs)
  }
  return {
    admission: isDegraded ? { outcome: 'degraded' } : { outcome: 'admitted', standings },
    reservations,
    delayMs,
  }
}
