import type { Connection, Model } from 'mongoose'
import { define } from './define.js'
import type { StoredBudget } from './plan.js'

/** `usage_budgets`: money budgets of users, organisations, and of all together. */
export interface BudgetDoc extends StoredBudget {
  /** `user:alice@month`, `org:acme@day`, `global@month`. */
  _id: string
  scope: 'user' | 'org' | 'global'
  /** The user or organisation; absent for all together. */
  subject_id?: string
  /** Set once it was deleted: instances must hear of that too. */
  deleted?: true
  /** Grows by one with every change. */
  revision: number
  created_at: Date
  /** By the database's clock. */
  updated_at: Date
  /** User id of the admin. */
  updated_by: string
}

export function budgetModel(connection: Connection): Model<BudgetDoc> {
  return define<BudgetDoc>(connection, 'UsageBudget', 'usage_budgets', {
    fields: {
      _id: String,
      scope: String,
      subject_id: String,
      period: String,
      limit_usd: Number,
      enforcement: String,
      reservation: String,
      thresholds: [Number],
      deleted: Boolean,
      revision: Number,
      created_at: Date,
      updated_at: Date,
      updated_by: String,
    },
    indexes: [{ keys: { updated_at: 1 } }],
  })
}
