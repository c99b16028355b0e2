import type { Connection, Model } from 'mongoose'
import { define } from './define.js'

/** `usage_plans`: what admins have changed of a plan; absent facts are as the host's options say. */
export interface PlanDoc {
  /** The tier. */
  _id: string
  limits?: StoredLimit[]
  /** False: none, whatever the options say. */
  budget?: StoredBudget | false
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
  thresholds?: readonly number[] | undefined
}

/** A money budget. */
export interface StoredBudget {
  readonly period: 'day' | 'month'
  readonly limit_usd: number
  readonly enforcement: 'hard' | 'soft'
  readonly reservation: 'typical' | 'strict'
  readonly thresholds: readonly number[]
}

export function planModel(connection: Connection): Model<PlanDoc> {
  return define<PlanDoc>(connection, 'UsagePlan', 'usage_plans', {
    fields: {
      _id: String,
      limits: Array,
      budget: Object,
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
