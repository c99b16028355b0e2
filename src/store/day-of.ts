import type { LocalDay } from '../time.js'

/**
 * The date of the one of some days, each beginning where the one before ends, that a field lies in, as
 * an expression. MongoDB is not asked for days of a zone: it may not know it, or know other clock changes.
 */
export function dayOf(field: string, days: readonly LocalDay[]): object {
  const half = Math.floor(days.length / 2)
  const middle = days[half]
  if (half === 0 || middle === undefined) return { $literal: middle?.date ?? '' }
  const [before, after] = [days.slice(0, half), days.slice(half)]
  return { $cond: [{ $lt: [field, middle.from] }, dayOf(field, before), dayOf(field, after)] }
}
