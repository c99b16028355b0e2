import type { Connection, Model } from 'mongoose'
import { define } from './define.js'

/** `usage_audit`: who changed what, when. */
export interface AuditDoc {
  /** UUIDv7. */
  _id: string
  /** By the database's clock. */
  at: Date
  /** User id of who did it. */
  actor: string
  /** `<resource>.<verb>`, such as `price.create`. */
  action: string
  resource: string
  resource_id: string
  /** The resource before the change; absent when it was made. */
  before?: Record<string, unknown>
  /** The resource after it; absent when it was removed. */
  after?: Record<string, unknown>
  /**
   * Written as `pending` before the change and settled after it: one that stays pending was cut off
   * by a crash or an outage, and may have been applied.
   */
  outcome: 'pending' | 'applied' | 'refused'
}

export function auditModel(connection: Connection): Model<AuditDoc> {
  return define<AuditDoc>(connection, 'UsageAudit', 'usage_audit', {
    fields: {
      _id: String,
      at: { type: Date, required: true },
      actor: { type: String, required: true },
      action: { type: String, required: true },
      resource: { type: String, required: true },
      resource_id: { type: String, required: true },
      before: Object,
      after: Object,
      outcome: { type: String, enum: ['pending', 'applied', 'refused'], required: true },
    },
    shardKey: { _id: 'hashed' },
    indexes: [
      { keys: { at: -1 } },
      { keys: { resource: 1, resource_id: 1, at: -1 } },
      { keys: { actor: 1, at: -1 } },
    ],
  })
}
