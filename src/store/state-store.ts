import { randomBytes, randomUUID } from 'node:crypto'
import type { Model } from 'mongoose'
import type { RollupStateDoc } from '../../models/rollup-state.js'
import type { Clock } from '../clock.js'
import { durable, type Database } from './database.js'
import type { Databases } from './databases.js'

const id = 'rollup'
const beginning = new Date(0)

/** How long what was read may be reused: an old watermark is always safe, it only costs reading more log. */
export const stateReuseMs = 5_000

/** How far rolling up and deleting old logs have come. */
export interface Progress {
  /** Every event recorded before this is in the rollups. The epoch when nothing is rolled up. */
  readonly watermark: Date
  /** Raw logs before this UTC midnight may be gone. The epoch when none are. */
  readonly horizon: Date
  /** Rollups before this UTC midnight are final. */
  readonly sealedTo: Date
}

/** `usage_rollup_state` in domain verbs. */
export class StateStore {
  readonly #db: Database
  readonly #reading: Database
  readonly #model: Model<RollupStateDoc>
  readonly #clock: Clock
  #cached: { progress: Progress; until: number } | undefined

  constructor({ flushing, reading }: Databases, model: Model<RollupStateDoc>, clock: Clock) {
    this.#db = flushing
    this.#reading = reading
    this.#model = model
    this.#clock = clock
  }

  /** Every event recorded before this is in the rollups. The epoch when nothing is rolled up. */
  async watermark(): Promise<Date> {
    return (await this.recent()).watermark
  }

  /** As it was a moment ago. */
  async recent(): Promise<Progress> {
    if (this.#cached && this.#cached.until > this.#clock.elapsed()) return this.#cached.progress
    return this.progress()
  }

  /** As it is now. */
  async progress(): Promise<Progress> {
    const now = this.#clock.elapsed()
    const states = this.#reading.collection(this.#model)
    const found = await this.#reading.within(states.findOne({ _id: id }))
    const { watermark = beginning, horizon = beginning, sealed_to = beginning } = found ?? {}
    const progress = { watermark, horizon, sealedTo: sealed_to }
    this.#cached = { progress, until: now + stateReuseMs }
    return progress
  }

  /** From now on the rollups before this are all there is. Never moves back. */
  async advanceHorizon(horizon: Date): Promise<void> {
    await this.#raise({ horizon })
  }

  /** The rollups before this are final. Never moves back. */
  async advanceSealed(sealed_to: Date): Promise<void> {
    await this.#raise({ sealed_to })
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

  /** What the pseudonyms of erased persons are made with: random, the same for as long as the database. */
  async erasureKey(): Promise<string> {
    const key = randomBytes(32).toString('base64url')
    const found = await this.#db.within(
      this.#states().findOneAndUpdate(
        { _id: 'erasure' },
        { $setOnInsert: { key } },
        { upsert: true, returnDocument: 'after', writeConcern: durable },
      ),
    )
    return found?.key ?? key
  }

  /** Moves the watermark forward, never back, but where it is beyond an instant that it cannot have reached. */
  async advance(watermark: Date, beyond?: Date): Promise<void> {
    if (beyond === undefined) {
      await this.#states().updateOne({ _id: id }, { $max: { watermark } }, { upsert: true })
    } else {
      await this.#states().updateOne(
        { _id: id, watermark: { $gt: beyond } },
        { $set: { watermark } },
      )
    }
    this.#cached = undefined
  }

  /** Forgets how far the rollups had come: the next run goes over everything there is a log of. */
  async reset(): Promise<void> {
    await this.#states().updateOne({ _id: id }, { $unset: { watermark: '' } })
    this.#cached = undefined
  }

  async #raise(to: Partial<RollupStateDoc>): Promise<void> {
    await this.#states().updateOne(
      { _id: id },
      { $max: to },
      { upsert: true, writeConcern: durable },
    )
    this.#cached = undefined
  }

  #states() {
    return this.#db.collection(this.#model)
  }
}
