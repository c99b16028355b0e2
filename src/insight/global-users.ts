import type { LogRow } from '../store/log-rows.js'
import type { Sum, UserSum } from '../store/user-sums.js'
import type { LocalDay, Span } from '../time.js'
import { append, type ReadPlan } from './plan.js'
import { costUsd, tokensOf } from './rates.js'
import type { InsightDoor } from './timeline.js'

/** How many users `top_users` names. */
const topUsers = 10

export interface Users {
  totals: Map<string, Sum>
  /** Number of users per calendar day, where the day is not one whole rollup day. */
  perDay: Map<string, number>
  top(): { user_id: string; operations: number; tokens: number; cost_usd: number | null }[]
}

/** What the rollups know of users. */
export interface RolledUpUsers {
  readonly sums: readonly UserSum[]
  /** Number of users of days of which the rollups know all. */
  readonly counts: readonly { day: string; users: number }[]
  /** Users of days of which the log knows more. */
  readonly present: readonly { day: string; user_id: string }[]
}

/** Sums over a plan, and who was there on each of the days, over a plan that is cut at their midnights. */
export async function rolledUpUsers(
  { days, intervals, presence }: InsightDoor,
  plan: ReadPlan,
  cut: ReadPlan,
  localDays: readonly LocalDay[],
): Promise<RolledUpUsers> {
  const { counted, named } = splitByLog(cut, localDays)
  const [ofDays, ofIntervals, counts, present] = await Promise.all([
    days.perUser(plan.days),
    intervals.perUser(plan.intervals),
    presence.countsByDay(counted, localDays),
    presence.byDay(named, localDays),
  ])
  return { sums: [...ofDays, ...ofIntervals], counts, present }
}

/** The windows of days that lie in the rollups as a whole, and those of days that the log has a part of. */
function splitByLog({ intervals, log }: ReadPlan, days: readonly LocalDay[]) {
  const parts = { counted: [] as Span[], named: [] as Span[] }
  for (const day of days) {
    const into = log.some((span) => overlap(span, day)) ? parts.named : parts.counted
    for (const span of intervals) {
      const common = overlap(span, day)
      if (common) append(into, common.from.getTime(), common.to.getTime())
    }
  }
  return parts
}

function overlap(a: Span, b: Span): Span | undefined {
  const from = a.from > b.from ? a.from : b.from
  const to = a.to < b.to ? a.to : b.to
  return from < to ? { from, to } : undefined
}

/** Each user's share of a span, and how many there were on each day. */
export function usersOf(
  { sums, counts, present }: RolledUpUsers,
  rows: readonly LogRow[],
  days: readonly LocalDay[],
): Users {
  const totals = new Map<string, Sum>()
  for (const sum of sums) addTo(totals, sum.user_id, sum)
  for (const row of rows) addTo(totals, row.user_id, { ...row, tokens: tokensOf(row) })
  const named = new Map<string, Set<string>>()
  const meet = (date: string, user: string) => {
    named.set(date, (named.get(date) ?? new Set<string>()).add(user))
  }
  for (const { day, user_id } of present) meet(day, user_id)
  for (const row of rows) {
    const day = days.find(({ to }) => row.start < to)
    if (day) meet(day.date, row.user_id)
  }
  const perDay = new Map(counts.map(({ day, users }) => [day, users]))
  for (const [day, users] of named) perDay.set(day, users.size)
  return { totals, perDay, top: () => largest(totals) }
}

/** Adds to what there is under a name. */
export function addTo(totals: Map<string, Sum>, name: string, sum: Sum): void {
  const total = totals.get(name)
  if (total === undefined) {
    const { operations, tokens, cost_nano_usd, unpriced_operations } = sum
    totals.set(name, { operations, tokens, cost_nano_usd, unpriced_operations })
    return
  }
  total.operations += sum.operations
  total.tokens += sum.tokens
  total.cost_nano_usd += sum.cost_nano_usd
  total.unpriced_operations += sum.unpriced_operations
}

function largest(totals: ReadonlyMap<string, Sum>) {
  return [...totals]
    .sort(
      ([a, x], [b, y]) => y.tokens - x.tokens || y.operations - x.operations || (a < b ? -1 : 1),
    )
    .slice(0, topUsers)
    .map(([user_id, total]) => ({
      user_id,
      operations: total.operations,
      tokens: total.tokens,
      cost_usd: costUsd(total),
    }))
}
