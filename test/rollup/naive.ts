import type { UsageEvent } from '../../src/event.js'
import { intervalMs, type Span } from '../../src/time.js'

const formats = new Map<string, Intl.DateTimeFormat>()

/** YYYY-MM-DD of an instant in a zone, by the platform rather than by a library. */
export function dateIn(timezone: string, at: Date | number): string {
  let format = formats.get(timezone)
  if (!format) {
    const fields = { year: 'numeric', month: '2-digit', day: '2-digit' } as const
    format = new Intl.DateTimeFormat('en-CA', { timeZone: timezone, ...fields })
    formats.set(timezone, format)
  }
  return format.format(at)
}

/** Every calendar day that a span touches. */
function datesOf({ from, to }: Span, timezone: string): string[] {
  const dates = new Set<string>()
  for (let at = from.getTime(); at < to.getTime(); at += intervalMs) dates.add(dateIn(timezone, at))
  if (to > from) dates.add(dateIn(timezone, to.getTime() - 1))
  return [...dates]
}

function sum(events: readonly UsageEvent[], value: (event: UsageEvent) => number): number {
  return events.reduce((total, event) => total + value(event), 0)
}

function groups(events: readonly UsageEvent[], key: (event: UsageEvent) => string | undefined) {
  const found = new Map<string, UsageEvent[]>()
  for (const event of events) {
    const value = key(event)
    if (value !== undefined) found.set(value, [...(found.get(value) ?? []), event])
  }
  return found
}

function project<T>(found: Map<string, UsageEvent[]>, value: (events: UsageEvent[]) => T) {
  return Object.fromEntries([...found].map(([key, events]) => [key, value(events)]))
}

const tokens = (events: readonly UsageEvent[]) => sum(events, (event) => event.tokens_used)
const share = (part: number, whole: number) =>
  whole === 0 ? null : Math.round((part / whole) * 10_000) / 100

/** What both answers say, added up from the log one event at a time. */
function summary(events: readonly UsageEvent[]) {
  const good = events.filter((event) => event.success).length
  const timed = events.filter((event) => event.response_time_ms !== undefined)
  const ms = sum(timed, (event) => event.response_time_ms ?? 0)
  return {
    total_operations: events.length,
    successful_operations: good,
    failed_operations: events.length - good,
    total_tokens: tokens(events),
    input_tokens: sum(events, (event) => event.input_tokens),
    output_tokens: sum(events, (event) => event.output_tokens),
    avg_response_time_ms: timed.length === 0 ? null : Math.round((ms / timed.length) * 100) / 100,
    success_rate: share(good, events.length),
    operations_by_type: project(
      groups(events, (e) => e.operation_type),
      (some) => some.length,
    ),
    tokens_by_model: project(
      groups(events, (e) => e.model),
      tokens,
    ),
    token_sources: project(
      groups(events, (e) => e.token_source),
      (some) => share(some.length, events.length),
    ),
    unpriced_operations: events.filter((e) => e.cost_nano_usd === null && e.tokens_used > 0).length,
  }
}

export function within(log: readonly UsageEvent[], { from, to }: Span): UsageEvent[] {
  return log.filter(({ timestamp }) => timestamp >= from && timestamp < to)
}

export function naiveUser(log: readonly UsageEvent[], user: string, span: Span, timezone: string) {
  const own = log.filter((event) => event.user_id === user)
  const events = within(own, span)
  const byDate = groups(events, ({ timestamp }) => dateIn(timezone, timestamp))
  const dates = datesOf(span, timezone)
  const last = Math.max(...own.map(({ timestamp }) => timestamp.getTime()))
  return {
    period_days: dates.length,
    ...summary(events),
    daily_usage: Object.fromEntries(
      dates.map((date) => {
        const some = byDate.get(date) ?? []
        return [date, { operations: some.length, tokens: tokens(some) }]
      }),
    ),
    most_recent_activity: own.length === 0 ? null : new Date(last),
  }
}

export function naiveGlobal(log: readonly UsageEvent[], span: Span, timezone: string) {
  const events = within(log, span)
  const byDate = groups(events, ({ timestamp }) => dateIn(timezone, timestamp))
  const dates = datesOf(span, timezone)
  const users = (some: readonly UsageEvent[]) => new Set(some.map((event) => event.user_id)).size
  return {
    period_days: dates.length,
    ...summary(events),
    unique_users: users(events),
    daily_usage: Object.fromEntries(
      dates.map((date) => {
        const some = byDate.get(date) ?? []
        const unique_users = users(some)
        return [date, { operations: some.length, tokens: tokens(some), unique_users }]
      }),
    ),
    models: project(
      groups(events, (e) => e.model),
      (some) => some.length,
    ),
    top_tokens: [...groups(events, (e) => e.user_id).values()]
      .map(tokens)
      .sort((a, b) => b - a)
      .slice(0, 10),
  }
}
