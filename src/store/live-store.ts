import type { Model } from 'mongoose'
import type { UsageEvent } from '../event.js'
import type { Span } from '../time.js'
import type { Database } from './database.js'

/** What happened in a part of a minute, per kind of operation. */
export interface LiveSums {
  start: Date
  operation_type: string
  operations: number
  failed_operations: number
  tokens: number
  response_time_ms_sum: number
  response_time_samples: number
}

export interface LiveRow extends LiveSums {
  /** Who did any of it, each once. */
  users: string[]
}

/** What was recorded in one slice of time, of what happened in another. */
export interface Trace {
  happened: Date
  recorded: Date
  count: number
  /** Ms of when it was recorded within its slice, added up. */
  stamps: number
}

/** Ten seconds. */
export const sliceMs = 10_000

const start = (field: string, ms: number) => ({
  $dateTrunc: { date: field, unit: 'second', binSize: ms / 1_000 },
})

const keysAmongSums = [{ $replaceWith: { $mergeObjects: ['$$ROOT', '$_id'] } }, { $unset: '_id' }]

/** The latest part of the log, for realtime views. */
export class LiveStore {
  readonly #db: Database
  readonly #model: Model<UsageEvent>

  constructor(db: Database, model: Model<UsageEvent>) {
    this.#db = db
    this.#model = model
  }

  /** `partMs`: `sliceMs`, or a minute. */
  async parts({ from, to }: Span, partMs: number): Promise<LiveRow[]> {
    const pipeline = [
      { $match: { timestamp: { $gte: from, $lt: to } } },
      {
        $group: {
          _id: { start: start('$timestamp', partMs), operation_type: '$operation_type' },
          operations: { $sum: 1 },
          failed_operations: { $sum: { $cond: ['$success', 0, 1] } },
          tokens: { $sum: '$tokens_used' },
          response_time_ms_sum: { $sum: '$response_time_ms' },
          response_time_samples: { $sum: { $cond: [{ $gte: ['$response_time_ms', 0] }, 1, 0] } },
          users: { $addToSet: '$user_id' },
        },
      },
      ...keysAmongSums,
    ]
    return this.#db.within(this.#logs().aggregate<LiveRow>(pipeline).toArray())
  }

  /** What was recorded since then, of what happened in a span: told by the index alone. */
  async traces(since: Date, { from, to }: Span): Promise<Trace[]> {
    const pipeline = [
      { $match: { recorded_at: { $gte: since }, timestamp: { $gte: from, $lt: to } } },
      {
        $group: {
          _id: { happened: start('$timestamp', sliceMs), recorded: start('$recorded_at', sliceMs) },
          count: { $sum: 1 },
          stamps: { $sum: { $mod: [{ $toLong: '$recorded_at' }, sliceMs] } },
        },
      },
      ...keysAmongSums,
    ]
    return this.#db.within(this.#logs().aggregate<Trace>(pipeline).toArray())
  }

  #logs() {
    return this.#db.collection(this.#model)
  }
}
