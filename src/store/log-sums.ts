import type { Model } from 'mongoose'
import type { UsageEvent } from '../event.js'
import type { Amount } from '../limits/amount.js'
import type { Span } from '../time.js'
import type { Database } from './database.js'

/** Whose operations: one user's, one organisation's, or everybody's. */
export type SumsOf = Readonly<Partial<Record<'user_id' | 'org_id', string>>>

/** Who has used something that was recorded late. */
export interface LateOwner {
  readonly user_id: string
  readonly org_id?: string
  readonly tier: string
  /** When the last of it was recorded. */
  readonly last: Date
}

/** An operation may have begun this long before it was let through, ms. */
const longestWaitMs = 600_000

/** What operations count against limits, as the log has it. */
export class LogSums {
  readonly #db: Database
  readonly #model: Model<UsageEvent>

  constructor(db: Database, model: Model<UsageEvent>) {
    this.#db = db
    this.#model = model
  }

  /** Who has used what was recorded late after an instant and up to another; ordered by `last`. */
  async late(after: Date, to: Date, limit: number, deadlineMs: number): Promise<LateOwner[]> {
    const _id = { user_id: '$user_id', org_id: '$org_id', tier: '$tier' }
    const cursor = this.#db
      .collection(this.#model, deadlineMs)
      .aggregate<LateOwner>([
        { $match: { late: true, recorded_at: { $gt: after, $lte: to } } },
        { $group: { _id, last: { $max: '$recorded_at' } } },
        { $sort: { last: 1 } },
        { $limit: limit },
        { $replaceWith: { $mergeObjects: ['$_id', { last: '$last' }] } },
      ])
    return this.#db.within(cursor.toArray(), deadlineMs)
  }

  /**
   * Sums over spans, by the same rule as `amountOf`: what failed without using anything is nothing.
   * `recordedUntil`: of what was recorded up to then. Default: of all.
   */
  async of(
    who: SumsOf,
    spans: readonly Span[],
    deadlineMs: number,
    recordedUntil?: Date,
  ): Promise<Amount[]> {
    const from = Math.min(...spans.map((span) => span.from.getTime())) - longestWaitMs
    const to = Math.max(...spans.map((span) => span.to.getTime()))
    const match = { timestamp: { $gte: new Date(from), $lt: new Date(to) } }
    const whose: Record<string, unknown> = {
      ...(recordedUntil && { recorded_at: { $lte: recordedUntil } }),
    }
    for (const [field, id] of Object.entries(who)) whose[field] = { $eq: id }
    const cursor = this.#db
      .collection(this.#model, deadlineMs)
      .aggregate<Record<string, number>>(
        [
          { $match: { ...whose, ...match } },
          { $match: { $or: [{ success: true }, { tokens_used: { $gt: 0 } }] } },
          { $group: { _id: null, ...Object.fromEntries(spans.flatMap(sumsIn)) } },
        ],
        { allowDiskUse: true },
      )
    const [found] = await this.#db.within(cursor.toArray(), deadlineMs)
    return spans.map((_, index) => ({
      requests: found?.[`r${index}`] ?? 0,
      tokens: found?.[`t${index}`] ?? 0,
      cost: found?.[`c${index}`] ?? 0,
    }))
  }
}

/** An operation counts in the window in which it was let through. */
function sumsIn({ from, to }: Span, index: number) {
  const at = { $ifNull: ['$admitted_at', '$timestamp'] }
  const isIn = { $and: [{ $gte: [at, from] }, { $lt: [at, to] }] }
  const sum = (value: unknown) => ({ $sum: { $cond: [isIn, value, 0] } })
  return [
    [`r${index}`, sum(1)],
    [`t${index}`, sum('$tokens_used')],
    [`c${index}`, sum({ $ifNull: ['$cost_nano_usd', 0] })],
  ] as const
}
