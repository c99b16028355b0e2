import type { Model } from 'mongoose'
import type { UsageEvent } from '../event.js'
import type { Span } from '../time.js'
import type { Database } from './database.js'

/** One minute of the log, per kind of operation. */
export interface MinuteRow {
  minute: Date
  operation_type: string
  operations: number
  failed_operations: number
  tokens: number
  response_time_ms_sum: number
  response_time_samples: number
}

/** The latest part of the log, for realtime views. */
export class LiveStore {
  readonly #db: Database
  readonly #model: Model<UsageEvent>

  constructor(db: Database, model: Model<UsageEvent>) {
    this.#db = db
    this.#model = model
  }

  async minutes({ from, to }: Span): Promise<MinuteRow[]> {
    const pipeline = [
      { $match: { timestamp: { $gte: from, $lt: to } } },
      {
        $group: {
          _id: {
            minute: { $dateTrunc: { date: '$timestamp', unit: 'minute' } },
            operation_type: '$operation_type',
          },
          operations: { $sum: 1 },
          failed_operations: { $sum: { $cond: ['$success', 0, 1] } },
          tokens: { $sum: '$tokens_used' },
          response_time_ms_sum: { $sum: '$response_time_ms' },
          response_time_samples: { $sum: { $cond: [{ $gte: ['$response_time_ms', 0] }, 1, 0] } },
        },
      },
      { $replaceWith: { $mergeObjects: ['$$ROOT', '$_id'] } },
      { $unset: '_id' },
    ]
    return this.#db.within(this.#logs().aggregate<MinuteRow>(pipeline).toArray())
  }

  async activeUsers({ from, to }: Span): Promise<number> {
    const pipeline = [
      { $match: { timestamp: { $gte: from, $lt: to } } },
      { $group: { _id: '$user_id' } },
      { $count: 'users' },
    ]
    const [found] = await this.#db.within(
      this.#logs().aggregate<{ users: number }>(pipeline).toArray(),
    )
    return found?.users ?? 0
  }

  #logs() {
    return this.#db.collection(this.#model)
  }
}
