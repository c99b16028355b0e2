import type { Connection, Model } from 'mongoose'
import type { DayDoc, IntervalDoc } from '../src/rollup/documents.js'
import { define } from './define.js'

const figures = {
  _id: String,
  scope: { type: String, enum: ['user', 'global'], required: true },
  user_id: String,
  total_operations: Number,
  successful_operations: Number,
  failed_operations: Number,
  total_tokens: Number,
  input_tokens: Number,
  output_tokens: Number,
  cost_nano_usd: Number,
  unpriced_operations: Number,
  unique_users: Number,
  last_activity_at: Date,
  last_recorded_at: Date,
  price_revisions: Number,
  sealed: Boolean,
  cells: { type: [Object], default: undefined },
}

/** All of a user's documents on one shard, or next to each other on two. */
const shardKey = { user_id: 'hashed', _id: 1 } as const

/** `daily_stats`: one document per user and UTC day, and one for everybody. */
export function dailyStatsModel(connection: Connection): Model<DayDoc> {
  return define<DayDoc>(connection, 'DailyStats', 'daily_stats', {
    fields: { ...figures, date: { type: Date, required: true } },
    shardKey,
    indexes: [{ keys: { date: -1, user_id: 1 } }, { keys: { user_id: 1, date: -1 } }],
  })
}

/** `usage_intervals`: the same in steps of 15 minutes. */
export function usageIntervalsModel(connection: Connection): Model<IntervalDoc> {
  return define<IntervalDoc>(connection, 'UsageInterval', 'usage_intervals', {
    fields: { ...figures, start: { type: Date, required: true } },
    shardKey,
    indexes: [{ keys: { start: -1, user_id: 1 } }, { keys: { user_id: 1, start: -1 } }],
  })
}
