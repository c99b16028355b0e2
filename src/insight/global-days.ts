import type { LogRow } from '../store/log-rows.js'
import type { DaySum, Sum } from '../store/user-sums.js'
import { dayMs, type LocalDay } from '../time.js'
import { addTo } from './global-users.js'
import type { ReadPlan } from './plan.js'
import { costUsd, tokensOf } from './rates.js'
import { perDay, sliceOf, type InsightDoor } from './timeline.js'

/**
 * Where a day is cut from others. One of 25 hours may hold a whole UTC day, whose users are known by
 * number only: it is cut in the middle, so that they are told apart from those of the hour beside it.
 */
export function cutsOf({ from, to }: LocalDay): number[] {
  const [start, end] = [from.getTime(), to.getTime()]
  return end - start > dayMs ? [start, start + dayMs / 2, end] : [start, end]
}

/** What the rollups say of each day; a day may come several times. */
export async function rolledUpDays(
  store: InsightDoor,
  cut: ReadPlan,
  days: readonly LocalDay[],
): Promise<DaySum[]> {
  const [whole, parts] = await Promise.all([
    store.days.perDay(cut.days, days),
    store.intervals.perDay(cut.intervals, days),
  ])
  // How many users a window has is not how many its day has.
  return [...whole, ...parts.map((sum) => ({ ...sum, users: null }))]
}

/** The same from the log. */
export function sumsByDay(rows: readonly LogRow[], days: readonly LocalDay[]): DaySum[] {
  return [...perDay(rows.map(sliceOf), days)].map(([day, figures]) => {
    const { operations, cost_nano_usd, unpriced_operations } = figures
    const tokens = tokensOf(figures)
    return { day, operations, tokens, cost_nano_usd, unpriced_operations, users: null }
  })
}

/** `daily_usage`; `users` where they are known otherwise than from a whole day's document. */
export function dailyUsage(
  sums: readonly DaySum[],
  days: readonly LocalDay[],
  users: ReadonlyMap<string, number>,
) {
  const totals = new Map<string, Sum>()
  const unique = new Map<string, number>()
  for (const sum of sums) {
    addTo(totals, sum.day, sum)
    if (sum.users !== null) unique.set(sum.day, sum.users)
  }
  return Object.fromEntries(
    days.map(({ date }) => {
      const of = totals.get(date)
      return [
        date,
        {
          operations: of?.operations ?? 0,
          tokens: of?.tokens ?? 0,
          unique_users: users.get(date) ?? unique.get(date) ?? 0,
          cost_usd: of ? costUsd(of) : 0,
        },
      ]
    }),
  )
}
