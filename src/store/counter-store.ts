import type { Model } from 'mongoose'
import type { CounterDoc } from '../../models/counter.js'
import { pipelineOf, type CounterPart, type Move, type Moved } from './counter-move.js'
import type { Database } from './database.js'

/** `usage_counters` in domain verbs. */
export class CounterStore {
  readonly #db: Database
  readonly #model: Model<CounterDoc>

  constructor(db: Database, model: Model<CounterDoc>) {
    this.#db = db
    this.#model = model
  }

  /**
   * Says and asks in one atomic update: asks are admitted in their order, each if all limits have
   * room. Rejects when nothing is certain; then it can be done again.
   */
  async move(move: Move): Promise<Moved> {
    try {
      return await this.#move(move)
    } catch (error) {
      // Two instances made the same counter at once; the one that lost finds it now.
      if (!isDuplicate(error)) throw error
      return this.#move(move)
    }
  }

  async #move(move: Move): Promise<Moved> {
    const counters = this.#db.collection(this.#model)
    const { subject, instance, sequence } = move
    const later = { i: instance, n: { $gt: sequence } }
    const where = { _id: subject, parts: { $not: { $elemMatch: later } } }
    const found = await counters.findOneAndUpdate(where, pipelineOf(move), {
      upsert: true,
      returnDocument: 'after',
      writeConcern: { w: 'majority' },
    })
    return { admitted: found?.ok ?? [], parts: found?.parts ?? [] }
  }

  async find(subject: string): Promise<readonly CounterPart[]> {
    const found = this.#db.collection(this.#model).findOne({ _id: { $eq: subject } })
    return (await this.#db.within(found))?.parts ?? []
  }
}

function isDuplicate(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 11000
}
