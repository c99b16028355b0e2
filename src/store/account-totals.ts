import type { Model, mongo } from 'mongoose'
import type { AccountDoc, TotalsBefore } from '../../models/account.js'
import { durable, type Database } from './database.js'
import type { Databases } from './databases.js'
import { onlyDuplicates } from './rollup-filters.js'
import type { UserTotals } from './user-sums.js'

export type { TotalsBefore }

/** What an account keeps of the sums of long ago, and how often those have changed. */
export interface KeptTotals {
  readonly before?: TotalsBefore
  readonly changes?: number
}

/** The sums that `usage_accounts` carry, in domain verbs. */
export class AccountTotals {
  readonly #reading: Database
  readonly #flushing: Database
  readonly #model: Model<AccountDoc>

  constructor({ reading, flushing }: Databases, model: Model<AccountDoc>) {
    this.#reading = reading
    this.#flushing = flushing
    this.#model = model
  }

  /**
   * Puts the rolled-up sums of users in place, and when some of them were seen before. As in the rollups,
   * none gives way to one that was computed from less, unless they are `rebuilt`.
   */
  async put(
    totals: readonly UserTotals[],
    firstSeen: ReadonlyMap<string, Date> = new Map(),
    rebuilt = false,
  ): Promise<void> {
    const operations = totals.map((one) => {
      const { _id, last_active_at, last_recorded_at, price_revisions, ...sums } = one
      const seen = { totals_recorded_at: last_recorded_at, totals_price_revisions: price_revisions }
      return {
        updateOne: {
          filter: { _id, ...(!rebuilt && { $or: notFromMore(one) }) },
          update: {
            $set: { ...sums, ...seen },
            $max: { last_active_at },
            $min: { first_seen_at: firstSeen.get(_id) ?? last_active_at },
            $setOnInsert: { seen_tier: '' },
          },
          upsert: true,
        },
      }
    })
    try {
      await this.#write(operations)
    } catch (error) {
      if (!onlyDuplicates(error)) throw error
    }
  }

  /** What accounts of these users keep. */
  async kept(userIds: readonly string[]): Promise<Map<string, KeptTotals>> {
    const cursor = this.#reading
      .collection(this.#model)
      .find({ _id: { $in: [...userIds] } }, { projection: { totals_before: 1, totals_changes: 1 } })
    const found = await this.#reading.within(cursor.toArray())
    return new Map(
      found.map(({ _id, totals_before: before, totals_changes: changes }) => {
        return [_id, { ...(before && { before }), ...(changes !== undefined && { changes }) }]
      }),
    )
  }

  /** Keeps sums of long ago, unless those have changed since `kept` was asked. */
  async keep(
    sums: ReadonlyMap<string, TotalsBefore>,
    kept: ReadonlyMap<string, KeptTotals>,
  ): Promise<void> {
    const operations = [...sums].map(([_id, totals_before]) => {
      const totals_changes = kept.get(_id)?.changes ?? { $exists: false }
      return {
        updateOne: { filter: { _id, totals_changes }, update: { $set: { totals_before } } },
      }
    })
    await this.#write(operations)
  }

  /**
   * Days of long ago have changed: what is kept of them no longer holds, nor what is being added up.
   * Whoever asks `kept` afterwards knows.
   */
  async forget(userIds: readonly string[]): Promise<void> {
    const operations = userIds.map((_id) => ({
      updateOne: { filter: { _id }, update: forgetting },
    }))
    await this.#write(operations, { writeConcern: durable })
  }

  async #write(
    operations: mongo.AnyBulkWriteOperation<AccountDoc>[],
    options: mongo.BulkWriteOptions = {},
  ): Promise<void> {
    if (operations.length === 0) return
    const accounts = this.#flushing.collection(this.#model)
    await accounts.bulkWrite(operations, { ordered: false, ...options })
  }
}

/** As an update of an account. */
export const forgetting = { $unset: { totals_before: '' }, $inc: { totals_changes: 1 } } as const

/** Matches the account whose sums were not computed from more. */
function notFromMore({ last_recorded_at, total_operations, price_revisions }: UserTotals) {
  return [
    { totals_recorded_at: { $exists: false } },
    { totals_recorded_at: { $lt: last_recorded_at } },
    {
      totals_recorded_at: last_recorded_at,
      total_operations: { $lte: total_operations },
      totals_price_revisions: { $lte: price_revisions },
    },
  ]
}
