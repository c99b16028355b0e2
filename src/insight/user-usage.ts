import { tokensPerMonth, type Plan } from '../limits/plan.js'
import type { CellSet, Figures } from '../rollup/cells.js'
import { billingMonth, intervalMs, localDays, type Span } from '../time.js'
import { planRead, type Freshness } from './plan.js'
import { costUsd, meanResponseMs, percent, project, tokensOf } from './rates.js'
import {
  freshness,
  perDay,
  readSlices,
  sumCells,
  type InsightDoor,
  type Slice,
} from './timeline.js'

export interface UserQuestion {
  user_id: string
  span: Span
  timezone: string
  /** Zone of the billing month. */
  billingTimezone: string
  now: number
  plan: Plan
}

/** The user usage response of the HTTP API. */
export interface UserUsage {
  user_id: string
  subscription_tier: string
  period_days: number
  total_operations: number
  successful_operations: number
  failed_operations: number
  total_tokens: number
  input_tokens: number
  output_tokens: number
  avg_response_time_ms: number | null
  /** 0..100, two decimals. */
  success_rate: number | null
  operations_by_type: Record<string, number>
  tokens_by_model: Record<string, number>
  token_sources: Record<string, number>
  daily_usage: Record<string, { operations: number; tokens: number }>
  most_recent_activity: Date | null
  /** Tokens per billing month, null = unlimited. */
  subscription_limit: number | null
  usage_percentage: number | null
  billing_period: { start: Date; end: Date; tokens_used: number }
  total_cost_usd: number | null
  unpriced_operations: number
}

/** What one user did in a span, and how much of the billing month's tokens is used. */
export async function userUsage(store: InsightDoor, question: UserQuestion): Promise<UserUsage> {
  const { user_id, span, timezone, plan } = question
  const month = billingMonth(question.now, question.billingTimezone)
  const days = localDays(span, timezone)
  const trust = await freshness(store)
  const midnights = days.flatMap((day) => [day.from.getTime(), day.to.getTime()])
  const [[slices, monthSlices], last] = await Promise.all([
    readBoth(store, span, month, trust, midnights, user_id),
    lastActivity(store, user_id, trust),
  ])
  const limit = tokensPerMonth(plan)
  const monthTokens = tokensOf(sumCells(monthSlices).totals())
  return {
    user_id,
    subscription_tier: plan.tier,
    period_days: days.length,
    ...summary(sumCells(slices)),
    daily_usage: dailyUsage(slices, days),
    most_recent_activity: last ?? null,
    subscription_limit: limit,
    usage_percentage: limit === null ? null : percent(monthTokens, limit),
    billing_period: { start: month.from, end: month.to, tokens_used: monthTokens },
  }
}

/** Where the log does not go back far enough, the days tell. */
async function lastActivity(store: InsightDoor, userId: string, { horizon = 0 }: Freshness) {
  const last = await store.logs.lastActivity(userId)
  if (horizon <= 0 || (last !== undefined && last.getTime() >= horizon)) return last
  return (await store.days.lastActivity(userId)) ?? last
}

/**
 * The slices of a span and of the month. What both contain is read once where they can be told apart
 * by where their slices begin: the month mostly lies in the span.
 */
async function readBoth(
  store: InsightDoor,
  span: Span,
  month: Span,
  trust: Freshness,
  midnights: readonly number[],
  userId: string,
): Promise<[Slice[], Slice[]]> {
  const edges = [span.from, span.to, month.from, month.to].map((edge) => edge.getTime())
  const isApart = span.from > month.to || month.from > span.to
  if (isApart || edges.some((edge) => edge % intervalMs !== 0)) {
    return Promise.all([
      readSlices(store, planRead(span, trust, midnights), userId),
      readSlices(store, planRead(month, trust), userId),
    ])
  }
  const plan = planRead(hull(span, month), trust, [...midnights, ...edges])
  const slices = await readSlices(store, plan, userId)
  return [within(slices, span), within(slices, month)]
}

function hull(a: Span, b: Span): Span {
  return { from: a.from < b.from ? a.from : b.from, to: a.to > b.to ? a.to : b.to }
}

function within(slices: readonly Slice[], { from, to }: Span): Slice[] {
  return slices.filter(({ start }) => start >= from && start < to)
}

/** What the totals of any set of operations say. */
export function summary(cells: CellSet) {
  const totals = cells.totals()
  const successful = totals.operations - totals.failed_operations
  return {
    total_operations: totals.operations,
    successful_operations: successful,
    failed_operations: totals.failed_operations,
    total_tokens: tokensOf(totals),
    input_tokens: totals.input_tokens,
    output_tokens: totals.output_tokens,
    avg_response_time_ms: meanResponseMs(totals),
    success_rate: percent(successful, totals.operations),
    operations_by_type: project(cells.by('operation_type'), (figures) => figures.operations),
    tokens_by_model: project(cells.by('model'), tokensOf),
    token_sources: tokenSources(cells, totals),
    total_cost_usd: costUsd(totals),
    unpriced_operations: totals.unpriced_operations,
  }
}

/** Share of the operations, in percent, whose tokens come from each source. */
function tokenSources(cells: CellSet, totals: Figures): Record<string, number> {
  return project(
    cells.by('token_source'),
    (figures) => percent(figures.operations, totals.operations) ?? 0,
  )
}

function dailyUsage(slices: readonly Slice[], days: ReturnType<typeof localDays>) {
  return Object.fromEntries(
    [...perDay(slices, days)].map(([date, figures]) => [
      date,
      { operations: figures.operations, tokens: tokensOf(figures) },
    ]),
  )
}
