import type { Connection, Model } from 'mongoose'
import { define } from './define.js'

/** What an admin has set for an account; absent facts are as the plan and the token say. */
export interface AccountSettings {
  /** The plan, whatever the token says. */
  tier?: string
  /** In place of what the plan allows. */
  overrides?: LimitOverride[]
  blocked?: { reason: string; since: Date; by: string }
  /** The organisation, whatever the token says. */
  org_id?: string
  /** IANA zone of the windows that its limits are counted in. */
  timezone?: string
  /** Grows by one with every change. */
  revision: number
  /** By the database's clock. */
  updated_at: Date
  /** User id of the admin. */
  updated_by: string
}

/** What one limit of the plan allows this account. */
export interface LimitOverride {
  /** The limit's name. */
  name: string
  /** Operations, tokens, or US dollars; null: no limit. */
  limit: number | null
  /** When the plan holds again. */
  until?: Date
}

/** What days of a user add up to. */
export interface Totals {
  total_operations: number
  total_tokens: number
  total_cost_nano_usd: number
  total_unpriced_operations: number
  last_active_at: Date
  /** How much of the log they were computed from. */
  last_recorded_at: Date
  price_revisions: number
}

/** Those before one of them. */
export interface TotalsBefore extends Totals {
  /** UTC midnight. */
  date: Date
}

/** `usage_accounts`: one document per user ever seen. */
export interface AccountDoc {
  /** The user id. */
  _id: string
  first_seen_at: Date
  /** Latest operation known when the account was last touched. */
  last_active_at: Date
  /** Tier of the latest operation. */
  seen_tier: string
  /** Sums over all that is rolled up, kept by the roller. */
  total_operations: number
  total_tokens: number
  total_cost_nano_usd: number
  /** Absent until the first roll-up. */
  total_unpriced_operations?: number
  /** How much of the log the sums were computed from: the latest stamp, and how often costs were changed. */
  totals_recorded_at?: Date
  totals_price_revisions?: number
  /** So that days of long ago need not be added up with each roll-up. */
  totals_before?: TotalsBefore
  /** How often days of long ago have changed. */
  totals_changes?: number
  settings?: AccountSettings
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
      total_unpriced_operations: Number,
      totals_recorded_at: Date,
      totals_price_revisions: Number,
      totals_before: Object,
      totals_changes: Number,
      settings: Object,
    },
    shardKey: { _id: 'hashed' },
    indexes: [
      { keys: { last_active_at: -1, _id: 1 } },
      { keys: { total_tokens: -1, _id: 1 } },
      { keys: { total_operations: -1, _id: 1 } },
      { keys: { total_cost_nano_usd: -1, _id: 1 } },
      { keys: { 'settings.updated_at': 1 }, options: { sparse: true } },
    ],
  })
}
