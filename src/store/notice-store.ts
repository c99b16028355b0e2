import type { Model } from 'mongoose'
import type { NoticeDoc } from '../../models/notice.js'
import { isDuplicate, type Database } from './database.js'

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
  async claim(notice: NoticeDoc): Promise<boolean> {
    const notices = this.#db.collection(this.#model)
    try {
      await this.#db.within(notices.insertOne(notice, { writeConcern: { w: 'majority' } }))
      return true
    } catch (error) {
      if (isDuplicate(error)) return false
      throw error
    }
  }
}
