import type { Model } from 'mongoose'
import type { DayDoc, IntervalDoc } from '../rollup/documents.js'
import { durable, type Batched, type Database } from './database.js'

type Doc = (DayDoc | IntervalDoc) & { _id: string }

/** One rollup collection, person by person. */
export class PersonRollups<T extends Doc> {
  readonly #db: Database
  readonly #model: Model<T>
  readonly #at: 'date' | 'start'

  constructor(db: Database, model: Model<T>, at: 'date' | 'start') {
    this.#db = db
    this.#model = model
    this.#at = at
  }

  /** Some documents of a user that begin before an instant, by time. */
  some(userId: string, before: Date, count: number): Promise<T[]> {
    const cursor = this.#rollups()
      .find({ user_id: { $eq: userId }, [this.#at]: { $lt: before } } as never)
      .sort({ [this.#at]: 1 })
      .limit(count)
    return this.#db.within(cursor.toArray() as unknown as Promise<T[]>)
  }

  /** All documents of a user but for their cells, by time, batch by batch. */
  async *all(userId: string, size: number): AsyncGenerator<Omit<T, 'cells'>[]> {
    const cursor = this.#rollups()
      .find({ user_id: { $eq: userId } } as never, { projection: { cells: 0 } })
      .sort({ [this.#at]: 1 })
      .batchSize(size)
    yield* this.#db.batches(cursor as unknown as Batched<Omit<T, 'cells'>>)
  }

  /** What a user's document of one window or day counts. */
  async operationsAt(userId: string, at: Date): Promise<number> {
    const filter = { user_id: { $eq: userId }, [this.#at]: at } as never
    const found = await this.#db.within(this.#rollups().findOne(filter))
    return found?.total_operations ?? 0
  }

  async remove(docs: readonly T[]): Promise<void> {
    const ids = docs.map(({ _id }) => _id)
    await this.#rollups().deleteMany({ _id: { $in: ids } }, { writeConcern: durable })
  }

  #rollups() {
    return this.#db.collection(this.#model as unknown as Model<Doc>)
  }
}
