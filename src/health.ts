import type { Realtime } from './insight/realtime.js'
import type { LedgerStats } from './ledger/ledger-stats.js'
import type { Durability } from './ledger/spool/spool-options.js'

/** The answer of `GET /health`: counts only. */
export interface HealthReport {
  status: 'ok' | 'degraded' | 'down'
  version: string
  uptime_seconds: number
  database: 'up' | 'down'
  usage: {
    active_users: number
    operations_last_hour: number
    tokens_last_hour: number
    recent_operations: {
      operation_type: string
      success: boolean
      response_time_ms: number | null
      seconds_ago: number
    }[]
  }
  spool: { depth: number; oldest_ms: number; durability: Durability }
}

export interface HealthFacts {
  version: string
  uptime_seconds: number
  databaseUp: boolean
  realtime: Realtime | undefined
  ledger: LedgerStats
  maxEvents: number
  /** Whether the host has named a directory for events to wait in. */
  hasSpool: boolean
  closed: boolean
  now: number
}

/**
 * `down` when the database does not answer or we are closed; `degraded` when events wait longer
 * than a minute, the memory for them is more than half full, the disk does not take them, events were
 * dropped, or the database answers, but not what there was in the last hour: that is all zeros then.
 */
export function healthReport(facts: HealthFacts): HealthReport {
  const { ledger, realtime } = facts
  const strained =
    realtime === undefined ||
    ledger.dropped > 0 ||
    ledger.oldest_ms > 60_000 ||
    ledger.in_memory > facts.maxEvents / 2 ||
    (facts.hasSpool && ledger.durability === 'memory')
  const status = !facts.databaseUp || facts.closed ? 'down' : strained ? 'degraded' : 'ok'
  return {
    status,
    version: facts.version,
    uptime_seconds: Math.floor(facts.uptime_seconds),
    database: facts.databaseUp ? 'up' : 'down',
    usage: {
      active_users: realtime?.last_hour.active_users ?? 0,
      operations_last_hour: realtime?.last_hour.total_operations ?? 0,
      tokens_last_hour: realtime?.last_hour.total_tokens ?? 0,
      recent_operations: (realtime?.recent_operations ?? []).slice(0, 5).map((event) => ({
        operation_type: event.operation_type,
        success: event.success,
        response_time_ms: event.response_time_ms ?? null,
        seconds_ago: Math.max(0, Math.round((facts.now - event.timestamp.getTime()) / 1000)),
      })),
    },
    spool: {
      depth: ledger.depth,
      oldest_ms: ledger.oldest_ms,
      durability: ledger.durability,
    },
  }
}
