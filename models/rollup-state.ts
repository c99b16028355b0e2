import type { Connection, Model } from 'mongoose'
import { define } from './define.js'

/** `usage_rollup_state`: how far the rollups have come. */
export interface RollupStateDoc {
  _id: string
  /** Every event with `recorded_at` before this is in the rollups. */
  watermark?: Date
  /** UTC midnight: raw logs before this may be gone, and rollups before it are all there is. */
  horizon?: Date
  /** UTC midnight: rollups before this are final, and the logs they come from may be deleted. */
  sealed_to?: Date
  /** Of the document `database`: what this database is called, for what waits for it on disk. */
  name?: string
  /** Of the document `erasure`: what pseudonyms are made with. */
  key?: string
}

export function rollupStateModel(connection: Connection): Model<RollupStateDoc> {
  return define<RollupStateDoc>(connection, 'UsageRollupState', 'usage_rollup_state', {
    fields: {
      _id: String,
      watermark: Date,
      horizon: Date,
      sealed_to: Date,
      name: String,
      key: String,
    },
    indexes: [],
  })
}
