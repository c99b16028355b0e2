import type { Connection, Model } from 'mongoose'
import { define } from './define.js'

/** `usage_accounts`: one document per user ever seen. */
export interface AccountDoc {
  /** The user id. */
  _id: string
  first_seen_at: Date
  /** Latest operation known when the account was last touched. */
  last_active_at: Date
  /** Tier of the latest operation. */
  seen_tier: string
  /** Sums over the closed days and intervals, kept by the roller. */
  total_operations: number
  total_tokens: number
  total_cost_nano_usd: number
}

export function accountModel(connection: Connection): Model<AccountDoc> {
  return define<AccountDoc>(connection, 'UsageAccount', 'usage_accounts', {
    fields: {
      _id: String,
      first_seen_at: Date,
      last_active_at: Date,
      seen_tier: String,
      total_operations: Number,
      total_tokens: Number,
      total_cost_nano_usd: Number,
    },
    indexes: [
      { keys: { last_active_at: -1, _id: 1 } },
      { keys: { total_tokens: -1, _id: 1 } },
      { keys: { total_operations: -1, _id: 1 } },
      { keys: { total_cost_nano_usd: -1, _id: 1 } },
    ],
  })
}
