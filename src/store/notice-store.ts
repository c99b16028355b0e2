import type { Model } from 'mongoose'
import type { NoticeDoc } from '../../models/notice.js'
import type { Database } from './database.js'
import { wasPut } from './revisions.js'

export type { NoticeDoc }

/** `usage_notices` in domain verbs. */
export class NoticeStore {
  readonly #db: Database
  readonly #model: Model<NoticeDoc>

  constructor(db: Database, model: Model<NoticeDoc>) {
    this.#db = db
    this.#model = model
  }

  /** Takes a notice upon oneself; false where somebody has. */
  claim(notice: NoticeDoc): Promise<boolean> {
    const claim = this.#db
      .collection(this.#model)
      .insertOne(notice, { writeConcern: { w: 'majority' } })
    return wasPut(this.#db, claim)
  }
}
