import type { CellSet, Figures } from '../rollup/cells.js'
import { percentile } from '../rollup/histogram.js'
import type { LogRow } from '../store/log-rows.js'
import type { UserSum } from '../store/user-sums.js'
import { dayMs, localDays, type LocalDay, type Span } from '../time.js'
import { planRead, type ReadPlan } from './plan.js'
import { costUsd, meanResponseMs, percent, tokensOf } from './rates.js'
import {
  freshness,
  perDay,
  rolledUpSlices,
  sliceOf,
  sumCells,
  type InsightDoor,
  type Slice,
} from './timeline.js'
import { unpricedOf } from './unpriced.js'
import { summary } from './user-usage.js'

/** How many users `top_users` names. */
const topUsers = 10

/** What everybody did in a span: the answer of `GET /global`. */
export async function globalUsage(store: InsightDoor, span: Span, timezone: string) {
  const days = localDays(span, timezone)
  const trust = await freshness(store)
  const plan = planRead(span, trust, days.flatMap(cutsOf))
  const [rows, rolledUp, sums] = await Promise.all([
    store.rows.read(plan.log, undefined),
    rolledUpSlices(store, plan, undefined),
    sumsOf(store, plan, days),
  ])
  const slices = [...rolledUp, ...rows.map(sliceOf)]
  const users = usersOf(sums, rows, days)
  const cells = sumCells(slices)
  const totals = cells.totals()
  const latency = cells.latency()
  const spanDays = Math.max(1, days.length)
  return {
    period_days: days.length,
    ...summary(cells),
    unique_users: users.totals.size,
    requests_per_day: round(totals.operations / spanDays),
    cost_per_day: costPerDay(totals, spanDays),
    p50_response_time_ms: percentile(latency, 0.5),
    p95_response_time_ms: percentile(latency, 0.95),
    p99_response_time_ms: percentile(latency, 0.99),
    daily_usage: dailyUsage(slices, days, users.perDay),
    top_users: users.top(),
    unpriced: unpricedOf(cells),
    by_model: breakdown(cells, 'model'),
    by_provider: breakdown(cells, 'provider'),
  }
}

/**
 * Where a day is cut from others. One of 25 hours may hold a whole UTC day, whose users are known by
 * number only: it is cut in the middle, so that they are told apart from those of the hour beside it.
 */
function cutsOf({ from, to }: LocalDay): number[] {
  const [start, end] = [from.getTime(), to.getTime()]
  return end - start > dayMs ? [start, start + dayMs / 2, end] : [start, end]
}

interface UserTotal {
  operations: number
  tokens: number
  cost_nano_usd: number
  unpriced_operations: number
}

interface Users {
  totals: Map<string, UserTotal>
  /** Users per calendar day, where the day is not one whole rollup day. */
  perDay: Map<string, Set<string>>
  top(): { user_id: string; operations: number; tokens: number; cost_usd: number | null }[]
}

function noTotal(): UserTotal {
  return { operations: 0, tokens: 0, cost_nano_usd: 0, unpriced_operations: 0 }
}

/** What the rollups say of each user in a planned span. */
async function sumsOf(
  store: InsightDoor,
  plan: ReadPlan,
  days: readonly LocalDay[],
): Promise<UserSum[]> {
  const sums = await Promise.all([
    store.days.perUser(plan.days),
    store.intervals.perUser(plan.intervals, days),
  ])
  return sums.flat()
}

/** Each user's share of a planned span. */
function usersOf(
  sums: readonly UserSum[],
  rows: readonly LogRow[],
  days: readonly LocalDay[],
): Users {
  const totals = new Map<string, UserTotal>()
  const perDay = new Map<string, Set<string>>()
  const add = (user: string, sum: UserTotal) => {
    const total = totals.get(user) ?? noTotal()
    total.operations += sum.operations
    total.tokens += sum.tokens
    total.cost_nano_usd += sum.cost_nano_usd
    total.unpriced_operations += sum.unpriced_operations
    totals.set(user, total)
  }
  const present = (date: string, user: string) => {
    const users = perDay.get(date) ?? new Set<string>()
    perDay.set(date, users.add(user))
  }
  for (const sum of sums) {
    add(sum.user_id, sum)
    if (sum.day !== undefined) present(sum.day, sum.user_id)
  }
  for (const row of rows) {
    add(row.user_id, { ...row, tokens: tokensOf(row) })
    const day = days.find(({ to }) => row.start < to)
    if (day) present(day.date, row.user_id)
  }
  return { totals, perDay, top: () => largest(totals) }
}

function largest(totals: ReadonlyMap<string, UserTotal>) {
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

function dailyUsage(
  slices: readonly Slice[],
  days: readonly LocalDay[],
  users: ReadonlyMap<string, ReadonlySet<string>>,
) {
  const closed = new Map(slices.map((slice) => [slice.start.getTime(), slice.unique_users]))
  const figures = perDay(slices, days)
  return Object.fromEntries(
    days.map((day) => {
      const of = figures.get(day.date)
      const unique = users.get(day.date)?.size ?? closed.get(day.from.getTime()) ?? 0
      const operations = of?.operations ?? 0
      const tokens = of ? tokensOf(of) : 0
      return [
        day.date,
        { operations, tokens, unique_users: unique, cost_usd: of ? costUsd(of) : 0 },
      ]
    }),
  )
}

function breakdown(cells: CellSet, by: 'model' | 'provider') {
  return [...cells.by(by)].map(([name, figures]) => ({
    [by]: name,
    operations: figures.operations,
    failed_operations: figures.failed_operations,
    success_rate: percent(figures.operations - figures.failed_operations, figures.operations),
    input_tokens: figures.input_tokens,
    output_tokens: figures.output_tokens,
    tokens: tokensOf(figures),
    cost_usd: costUsd(figures),
    unpriced_operations: figures.unpriced_operations,
    avg_response_time_ms: meanResponseMs(figures),
  }))
}

function costPerDay(totals: Figures, days: number): number | null {
  const cost = costUsd(totals)
  return cost === null ? null : Math.round((cost / days) * 1e9) / 1e9
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
