import type { Metric, Window } from '../limits/plan.js'

/** Whose usage it is about. */
interface About {
  readonly scope: 'user' | 'org' | 'global'
  readonly user_id?: string
  readonly org_id?: string
}

/** A limit or budget of a subject, and how far it is used: operations, tokens, or US dollars. */
interface AboutLimit extends About {
  /** The limit's name; `budget-month` or `budget-day` for a budget. */
  readonly name: string
  readonly metric: Metric
  readonly window: Window
  readonly enforcement: 'hard' | 'soft' | 'throttle'
  readonly limit: number
  readonly used: number
  /** Null for a lifetime. */
  readonly period_start: Date | null
  readonly period_end: Date | null
  readonly at: Date
}

/** A part of a limit or budget is used. */
export interface ThresholdNotice extends AboutLimit {
  readonly type: 'threshold'
  /** Percent of the limit. */
  readonly threshold: number
}

/** A limit is used up, or has refused an operation. */
export interface LimitNotice extends AboutLimit {
  readonly type: 'limit'
}

/** A blocked account has tried an operation. */
export interface BlockedNotice extends About {
  readonly type: 'blocked'
  readonly reason: string
  /** When it was blocked. */
  readonly since: Date
  readonly at: Date
}

/** A model was used that has no price, for the first time on this UTC day. */
export interface UnpricedNotice {
  readonly type: 'unpriced'
  readonly provider?: string
  readonly model?: string
  readonly at: Date
}

/** What `usage.on` tells, by type. */
export interface UsageNotices {
  threshold: ThresholdNotice
  limit: LimitNotice
  blocked: BlockedNotice
  unpriced: UnpricedNotice
}

/** Whom a counter belongs to: `user:alice`, `org:acme`, `global`. */
export function aboutCounter(counter: string): About {
  if (counter.startsWith('user:')) return { scope: 'user', user_id: counter.slice(5) }
  if (counter.startsWith('org:')) return { scope: 'org', org_id: counter.slice(4) }
  return { scope: 'global' }
}

/** How many parts an id has behind the subject: limit, period and threshold; limit and period; since when. */
const partsBehind: Readonly<Record<string, number>> = { threshold: 3, limit: 2, blocked: 1 }

/** Whether what was told is about a user: user ids may hold colons, the parts behind them hold none. */
export function isNoticeOf(id: string, userId: string): boolean {
  const type = id.slice(0, id.indexOf(':'))
  const begin = `${type}:user:${userId}:`
  return id.startsWith(begin) && id.slice(begin.length).split(':').length === partsBehind[type]
}
