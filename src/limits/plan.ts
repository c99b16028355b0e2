/** What a limit counts. */
export type Metric = 'requests' | 'tokens' | 'cost'

/** Over what it counts: calendar windows in the billing zone. */
export type Window = 'minute' | 'hour' | 'day' | 'month' | 'lifetime'

/** One limit of a plan. */
export interface Limit {
  /** Letters, digits, `_`, `-`, `.`; unique in its plan. */
  readonly name: string
  readonly metric: Metric
  readonly window: Window
  /** Operations, tokens, or nano-USD. */
  readonly limit: number
  /** Refuse, let through and say so, or delay for a while before refusing. */
  readonly enforcement: 'hard' | 'soft' | 'throttle'
  /**
   * Tokens and cost are only known afterwards. `typical` lets an operation begin as long as what is
   * settled leaves room; `strict` holds the most it can use, and never overshoots.
   */
  readonly reservation: 'typical' | 'strict'
  /** Percent of it at which `usage.on('threshold')` is told, ascending. */
  readonly thresholds?: readonly number[] | undefined
}

/** A tier of the host's product. */
export interface Plan {
  readonly tier: string
  /** Budgets among them: see budget-terms.ts. */
  readonly limits: readonly Limit[]
  /** Higher goes first where requests wait. */
  readonly priority: number
  /** Operations of one user at once; null = unlimited. */
  readonly concurrency: number | null
  /** What happens to requests while MongoDB does not answer. */
  readonly onStoreError: 'open' | 'closed'
  /** IANA zone of its calendar windows; absent: the billing zone. */
  readonly timezone?: string | undefined
}

/** Tokens per calendar month that a plan allows; null = unlimited. */
export function tokensPerMonth({ limits }: Plan): number | null {
  const monthly = limits.filter(
    (one) => one.metric === 'tokens' && one.window === 'month' && one.enforcement !== 'soft',
  )
  return monthly.length === 0 ? null : Math.min(...monthly.map((one) => one.limit))
}
