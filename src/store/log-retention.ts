import type { Model } from 'mongoose'
import type { UsageEvent } from '../event.js'
import { durable, type Database } from './database.js'

/** Deleting from `usage_logs`. */
export class LogRetention {
  readonly #db: Database
  readonly #model: Model<UsageEvent>

  constructor(db: Database, model: Model<UsageEvent>) {
    this.#db = db
    this.#model = model
  }

  /** The earliest operation there is a log of, before an instant. */
  async oldest(before: Date): Promise<Date | undefined> {
    const cursor = this.#logs()
      .find({ timestamp: { $lt: before } }, { projection: { _id: 0, timestamp: 1 } })
      .sort({ timestamp: 1 })
      .limit(1)
    const [found] = await this.#db.within(cursor.toArray())
    return found?.timestamp
  }

  /** Deletes so many of the oldest logs before an instant at most; answers how many there were. */
  async deleteSome(before: Date, count: number): Promise<number> {
    const cursor = this.#logs()
      .find({ timestamp: { $lt: before } }, { projection: { _id: 1 } })
      .sort({ timestamp: 1 })
      .limit(count)
    const ids = (await this.#db.within(cursor.toArray())).map(({ _id }) => _id)
    if (ids.length === 0) return 0
    const some = { _id: { $in: ids }, timestamp: { $lt: before } }
    await this.#logs().deleteMany(some, { writeConcern: durable })
    return ids.length
  }

  #logs() {
    return this.#db.collection(this.#model)
  }
}
