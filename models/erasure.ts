import type { Connection, Model } from 'mongoose'
import { define } from './define.js'

/** `usage_erasures`: persons that were erased, one document each. */
export interface ErasureDoc {
  /** Made of the user id with the key of this database: tells nothing without either. */
  _id: string
  /** The user id, for as long as its events may still arrive; absent afterwards. */
  user_id?: string
  /** What stands in its place. */
  pseudonym: string
  /** How often the person was erased, with something to erase. */
  generation: number
  /** Operations that began before this are the pseudonym's, by the database's clock. */
  until: Date
  status: 'pending' | 'erased'
  /** Of the pseudonym. */
  operations: number
  /** When it is looked at next; absent once nothing can arrive any more. */
  check_at?: Date
  changed_at: Date
}

export function erasureModel(connection: Connection): Model<ErasureDoc> {
  return define<ErasureDoc>(connection, 'UsageErasure', 'usage_erasures', {
    fields: {
      _id: String,
      user_id: String,
      pseudonym: { type: String, required: true },
      generation: { type: Number, required: true },
      until: { type: Date, required: true },
      status: { type: String, enum: ['pending', 'erased'], required: true },
      operations: { type: Number, required: true },
      check_at: Date,
      changed_at: { type: Date, required: true },
    },
    indexes: [{ keys: { check_at: 1 }, options: { sparse: true } }, { keys: { changed_at: 1 } }],
  })
}
