import type { Connection, Model } from 'mongoose'
import { define } from './define.js'

/** `usage_leases`: which instance does a job at present, so that the others need not. */
export interface LeaseDoc {
  /** The job. */
  _id: string
  /** The instance, by a name that it made up when it started. */
  owner: string
  /** By the database's clock; after it, another may have it. */
  until: Date
}

export function leaseModel(connection: Connection): Model<LeaseDoc> {
  return define<LeaseDoc>(connection, 'UsageLease', 'usage_leases', {
    fields: { _id: String, owner: String, until: Date },
    indexes: [],
  })
}
