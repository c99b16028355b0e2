import type { UsageEvent } from '../event.js'
import type { LiveSums } from '../store/live-store.js'
import type { LogStore } from '../store/log-store.js'
import { minuteMs } from '../time.js'
import type { LiveHour } from './live-hour.js'

/** The answer of `GET /realtime`, and of each event of `/realtime/stream`. */
export interface Realtime {
  generated_at: Date
  last_hour: {
    total_operations: number
    successful_operations: number
    failed_operations: number
    total_tokens: number
    active_users: number
    avg_response_time_ms: number | null
    operations_by_type: Record<string, number>
  }
  /** 60 entries, oldest first, the current minute last. */
  per_minute: { minute: Date; operations: number; tokens: number }[]
  /** The latest 20, newest first. */
  recent_operations: UsageEvent[]
}

/** The last hour up to now, and what was done last. */
export async function realtime(
  hour: LiveHour,
  logs: LogStore,
  now: () => number,
): Promise<Realtime> {
  const [{ first, rows, users }, recent_operations] = await Promise.all([
    hour.look(),
    logs.page({}, undefined, 20),
  ])
  return {
    generated_at: new Date(now()),
    last_hour: { ...lastHour(rows), active_users: users },
    per_minute: perMinute(rows, first),
    recent_operations,
  }
}

function lastHour(rows: readonly LiveSums[]) {
  const by = new Map<string, number>()
  const sum = { operations: 0, failed: 0, tokens: 0, ms: 0, samples: 0 }
  for (const row of rows) {
    by.set(row.operation_type, (by.get(row.operation_type) ?? 0) + row.operations)
    sum.operations += row.operations
    sum.failed += row.failed_operations
    sum.tokens += row.tokens
    sum.ms += row.response_time_ms_sum
    sum.samples += row.response_time_samples
  }
  return {
    total_operations: sum.operations,
    successful_operations: sum.operations - sum.failed,
    failed_operations: sum.failed,
    total_tokens: sum.tokens,
    avg_response_time_ms: sum.samples === 0 ? null : Math.round((sum.ms / sum.samples) * 100) / 100,
    operations_by_type: Object.fromEntries(by),
  }
}

function perMinute(rows: readonly LiveSums[], first: number) {
  const minutes = Array.from({ length: 60 }, (_, index) => ({
    minute: new Date(first + index * minuteMs),
    operations: 0,
    tokens: 0,
  }))
  for (const row of rows) {
    const entry = minutes[Math.floor((row.start.getTime() - first) / minuteMs)]
    if (!entry) continue
    entry.operations += row.operations
    entry.tokens += row.tokens
  }
  return minutes
}
