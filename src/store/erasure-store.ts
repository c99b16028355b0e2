import type { Model } from 'mongoose'
import type { ErasureDoc } from '../../models/erasure.js'
import { durable, type Database } from './database.js'
import { wasPut } from './revisions.js'

export type { ErasureDoc }

/** An erasure whose events may still arrive. */
export type OpenErasure = ErasureDoc & { readonly user_id: string }

/** `usage_erasures` in domain verbs. */
export class ErasureStore {
  readonly #db: Database
  readonly #model: Model<ErasureDoc>

  constructor(db: Database, model: Model<ErasureDoc>) {
    this.#db = db
    this.#model = model
  }

  async find(id: string): Promise<ErasureDoc | undefined> {
    return (await this.#db.within(this.#erasures().findOne({ _id: id }))) ?? undefined
  }

  /** Puts an erasure in the place of the one that was read; false when there is another by now. */
  put(doc: ErasureDoc, before: ErasureDoc | undefined): Promise<boolean> {
    const erasures = this.#erasures()
    if (before === undefined) {
      return wasPut(this.#db, erasures.insertOne(doc, { writeConcern: durable }))
    }
    const { _id, changed_at, status } = before
    const change = erasures.replaceOne({ _id, changed_at, status }, doc, { writeConcern: durable })
    return wasPut(this.#db, change)
  }

  /** It is done up to `until`, unless it was asked for again. */
  async done({ _id, until }: ErasureDoc, operations: number, check_at: Date): Promise<void> {
    const change = { $set: { status: 'erased' as const, operations, check_at } }
    await this.#erasures().updateOne({ _id, until }, change, { writeConcern: durable })
  }

  async checkAgain({ _id, until }: ErasureDoc, check_at: Date): Promise<void> {
    await this.#erasures().updateOne({ _id, until }, { $set: { check_at } })
  }

  /** Forgets the user id: nothing is on its way any more. */
  async close({ _id, until }: ErasureDoc): Promise<void> {
    const change = { $unset: { user_id: '', check_at: '' } } as const
    await this.#erasures().updateOne({ _id, until }, change, { writeConcern: durable })
  }

  /** Whether somebody's erasing has begun, and is not done. */
  async isAnyPending(): Promise<boolean> {
    const found = this.#erasures().findOne({ check_at: { $gte: new Date(0) }, status: 'pending' })
    return (await this.#db.within(found)) !== null
  }

  /** Those to be looked at by now. */
  due(now: Date, limit: number): Promise<OpenErasure[]> {
    const cursor = this.#erasures()
      .find({ check_at: { $lte: now }, user_id: { $exists: true } })
      .sort({ check_at: 1 })
      .limit(limit)
    return this.#db.within(cursor.toArray()) as Promise<OpenErasure[]>
  }

  /** Those that were asked for at this instant or after it, and are open; all where none is given. */
  async since(since: Date | undefined): Promise<(OpenErasure & { updated_at: Date })[]> {
    const filter = {
      user_id: { $exists: true },
      // Those that are open have it, and an index.
      ...(since === undefined
        ? { check_at: { $gte: new Date(0) } }
        : { changed_at: { $gte: since } }),
    }
    const found = await this.#db.within(this.#erasures().find(filter).toArray())
    return (found as OpenErasure[]).map((doc) => ({ ...doc, updated_at: doc.changed_at }))
  }

  #erasures() {
    return this.#db.collection(this.#model)
  }
}
