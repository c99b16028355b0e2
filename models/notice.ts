import type { Connection, Model } from 'mongoose'
import { define } from './define.js'

/** `usage_notices`: what `usage.on` was told, so that one instance tells it, once. */
export interface NoticeDoc {
  /** Kind, subject, period and threshold: `threshold:user:alice:budget-month:month@2026-11:75`. */
  _id: string
  type: 'threshold' | 'limit' | 'blocked' | 'unpriced'
  at: Date
  /** When it may be forgotten. */
  expires_at: Date
}

export function noticeModel(connection: Connection): Model<NoticeDoc> {
  return define<NoticeDoc>(connection, 'UsageNotice', 'usage_notices', {
    fields: { _id: String, type: String, at: Date, expires_at: Date },
    shardKey: { _id: 'hashed' },
    indexes: [{ keys: { expires_at: 1 }, options: { expireAfterSeconds: 0 } }],
  })
}
