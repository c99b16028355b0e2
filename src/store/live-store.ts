import type { Model } from 'mongoose'
import type { UsageEvent } from '../event.js'
import type { Span } from '../time.js'
import type { Database } from './database.js'

/** One minute of the log, per kind of operation. */
export interface MinuteSums {
  minute: Date
  operation_type: string
  operations: number
  failed_operations: number
  tokens: number
  response_time_ms_sum: number
  response_time_samples: number
}

export interface MinuteRow extends MinuteSums {
  /** Who did any of it, each once. */
  users: string[]
}

const minute = { $dateTrunc: { date: '$timestamp', unit: 'minute' } }

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
          _id: { minute, operation_type: '$operation_type' },
          operations: { $sum: 1 },
          failed_operations: { $sum: { $cond: ['$success', 0, 1] } },
          tokens: { $sum: '$tokens_used' },
          response_time_ms_sum: { $sum: '$response_time_ms' },
          response_time_samples: { $sum: { $cond: [{ $gte: ['$response_time_ms', 0] }, 1, 0] } },
          users: { $addToSet: '$user_id' },
        },
      },
      { $replaceWith: { $mergeObjects: ['$$ROOT', '$_id'] } },
      { $unset: '_id' },
    ]
    return this.#db.within(this.#logs().aggregate<MinuteRow>(pipeline).toArray())
  }

  #logs() {
    return this.#db.collection(this.#model)
  }
}
