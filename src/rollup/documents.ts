import type { Cell, Figures } from './cells.js'

/** What every rollup document says, of one user or of everybody. */
export interface RollupFigures {
  total_operations: number
  successful_operations: number
  failed_operations: number
  total_tokens: number
  input_tokens: number
  output_tokens: number
  cost_nano_usd: number
  unpriced_operations: number
  /** Global documents only: users with at least one operation. */
  unique_users?: number
  /** Latest `timestamp` inside. */
  last_activity_at: Date
  /** Latest `recorded_at` inside; a document never gives way to one computed from less. */
  last_recorded_at: Date
  /** How often costs inside have been rewritten, all together; absent: never. */
  price_revisions?: number
  /** Set once it is final: its logs may be gone, and nothing is computed from them any more. */
  sealed?: true
  cells: Cell[]
}

interface Scoped {
  scope: 'user' | 'global'
  user_id?: string
}

/** `usage_intervals`: 15 minutes of one user, or of everybody. */
export interface IntervalDoc extends RollupFigures, Scoped {
  _id: string
  start: Date
}

/** `daily_stats`: one UTC day of one user, or of everybody. */
export interface DayDoc extends RollupFigures, Scoped {
  _id: string
  date: Date
}

/** How much of the log a rollup document has seen. */
export type SeenOfLog = Pick<
  RollupFigures,
  'last_activity_at' | 'last_recorded_at' | 'price_revisions'
>

/** What a day's documents are made of: its windows, or cells of theirs that are added up already. */
export type PartOfDay = SeenOfLog & Pick<IntervalDoc, 'user_id' | 'start' | 'cells'>

/** The totals a rollup document carries beside its cells. */
export function totalsOf(figures: Figures) {
  return {
    total_operations: figures.operations,
    successful_operations: figures.operations - figures.failed_operations,
    failed_operations: figures.failed_operations,
    total_tokens: figures.input_tokens + figures.output_tokens,
    input_tokens: figures.input_tokens,
    output_tokens: figures.output_tokens,
    cost_nano_usd: figures.cost_nano_usd,
    unpriced_operations: figures.unpriced_operations,
  }
}

/** The key of a rollup document: stable, so that recomputing replaces. */
export function rollupId(at: Date, userId: string | undefined): string {
  return userId === undefined ? `${at.toISOString()}|global` : `${at.toISOString()}|user|${userId}`
}
