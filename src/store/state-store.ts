import { randomUUID } from 'node:crypto'
import type { Model } from 'mongoose'
import type { RollupStateDoc } from '../../models/rollup-state.js'
import type { Clock } from '../clock.js'
import type { Database } from './database.js'
import type { Databases } from './databases.js'

const id = 'rollup'
const beginning = new Date(0)

/** How long a watermark may be reused: an old one is always safe, it only costs reading more log. */
const reuseMs = 5_000

/** `usage_rollup_state` in domain verbs. */
export class StateStore {
  readonly #db: Database
  readonly #reading: Database
  readonly #model: Model<RollupStateDoc>
  readonly #clock: Clock
  #cached: { watermark: Date; until: number } | undefined

  constructor({ flushing, reading }: Databases, model: Model<RollupStateDoc>, clock: Clock) {
    this.#db = flushing
    this.#reading = reading
    this.#model = model
    this.#clock = clock
  }

  /** Every event recorded before this is in the rollups. The epoch when nothing is rolled up. */
  async watermark(): Promise<Date> {
    const now = this.#clock.elapsed()
    if (this.#cached && this.#cached.until > now) return this.#cached.watermark
    const states = this.#reading.collection(this.#model)
    const found = await this.#reading.within(states.findOne({ _id: id }))
    const watermark = found?.watermark ?? beginning
    this.#cached = { watermark, until: now + reuseMs }
    return watermark
  }

  /** Whether the log has everything that was ever recorded. */
  async keepsAll(): Promise<boolean> {
    const found = await this.#db.within(this.#states().findOne({ _id: id }))
    return found?.horizon === undefined
  }

  /** A name that this database and no other has, for as long as it exists. */
  async databaseId(): Promise<string> {
    const found = await this.#db.within(
      this.#states().findOneAndUpdate(
        { _id: 'database' },
        { $setOnInsert: { name: randomUUID() } },
        { upsert: true, returnDocument: 'after' },
      ),
    )
    return found?.name ?? ''
  }

  /** Moves the watermark forward, never back. */
  async advance(watermark: Date): Promise<void> {
    await this.#states().updateOne({ _id: id }, { $max: { watermark } }, { upsert: true })
    this.#cached = undefined
  }

  /** Forgets how far the rollups had come: the next run goes over everything. */
  async reset(): Promise<void> {
    await this.#states().deleteOne({ _id: id })
    this.#cached = undefined
  }

  #states() {
    return this.#db.collection(this.#model)
  }
}
