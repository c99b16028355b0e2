import type { Connection, Model } from 'mongoose'
import { define } from './define.js'

/** `usage_plans`: what admins have changed of a plan; absent facts are as the host's options say. */
export interface PlanDoc {
  /** The tier. */
  _id: string
  limits?: StoredLimit[]
  priority?: number
  concurrency?: number
  on_store_error?: 'open' | 'closed'
  /** Grows by one with every change. */
  revision: number
  /** By the database's clock. */
  updated_at: Date
  /** User id of the admin. */
  updated_by: string
}

/** One limit, as it was written down: cost in US dollars. */
export interface StoredLimit {
  name: string
  metric: 'requests' | 'tokens' | 'cost'
  window: 'minute' | 'hour' | 'day' | 'month' | 'lifetime'
  limit: number
  enforcement: 'hard' | 'soft' | 'throttle'
  reservation: 'typical' | 'strict'
}

export function planModel(connection: Connection): Model<PlanDoc> {
  return define<PlanDoc>(connection, 'UsagePlan', 'usage_plans', {
    fields: {
      _id: String,
      limits: Array,
      priority: Number,
      concurrency: Number,
      on_store_error: String,
      revision: Number,
      updated_at: Date,
      updated_by: String,
    },
    indexes: [],
  })
}
