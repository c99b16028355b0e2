import type { CellSet, Figures } from '../rollup/cells.js'
import { percentile } from '../rollup/histogram.js'
import { localDays, type Span } from '../time.js'
import { cutsOf, dailyUsage, rolledUpDays, sumsByDay } from './global-days.js'
import { rolledUpUsers, usersOf } from './global-users.js'
import { planRead } from './plan.js'
import { costUsd, meanResponseMs, percent, tokensOf } from './rates.js'
import { freshness, globalCells, type InsightDoor } from './timeline.js'
import { unpricedOf } from './unpriced.js'
import { summary } from './user-usage.js'

/** What everybody did in a span: the answer of `GET /global`. */
export async function globalUsage(store: InsightDoor, span: Span, timezone: string) {
  const days = localDays(span, timezone)
  const trust = await freshness(store)
  const plan = planRead(span, trust)
  const cut = planRead(span, trust, days.flatMap(cutsOf))
  const reading = store.rows.read(plan.log, undefined)
  const [rows, cells, ofDays, known] = await Promise.all([
    reading,
    globalCells(store, plan, reading),
    rolledUpDays(store, cut, days),
    rolledUpUsers(store, plan, cut, days),
  ])
  const users = usersOf(known, rows, days)
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
    daily_usage: dailyUsage([...ofDays, ...sumsByDay(rows, days)], days, users.perDay),
    top_users: users.top(),
    unpriced: unpricedOf(cells),
    by_model: breakdown(cells, 'model'),
    by_provider: breakdown(cells, 'provider'),
  }
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
