import type { Model } from 'mongoose'
import type { CounterDoc } from '../../models/counter.js'
import type { Counted } from './counter-flow.js'
import { pipelineOf, type Move, type Moved } from './counter-move.js'
import { isDuplicate, type Database } from './database.js'
import { UsageError } from '../errors.js'
import { writeErrorsOf } from './write-outcome.js'

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

  /** Says for many subjects in one trip; answers for each whether it was said. Rejects like `move`. */
  async say(moves: readonly Move[]): Promise<boolean[]> {
    const reply = await this.#db.write({
      update: this.#model.collection.collectionName,
      updates: moves.map((move) => ({ q: placeOf(move), u: pipelineOf(move), upsert: true })),
      ordered: false,
      writeConcern: { w: 'majority' },
    })
    if (reply.writeConcernError !== undefined)
      throw new UsageError('store_unavailable', 'not durable')
    const failed = new Set(writeErrorsOf(reply).map(({ index }) => index))
    return moves.map((_, index) => !failed.has(index))
  }

  async #move(move: Move): Promise<Moved> {
    const counters = this.#db.collection(this.#model)
    const found = await counters.findOneAndUpdate(placeOf(move), pipelineOf(move), {
      upsert: true,
      returnDocument: 'after',
      writeConcern: { w: 'majority' },
    })
    return { admitted: found?.ok ?? [], ...countedOf(found) }
  }

  /** By subject; those without a counter are left out. */
  async find(subjects: readonly string[]): Promise<Map<string, Counted>> {
    const counters = this.#db.collection(this.#model)
    const found = await this.#db.within(counters.find({ _id: { $in: [...subjects] } }).toArray())
    return new Map(found.map((doc) => [doc._id, countedOf(doc)]))
  }
}

function countedOf(doc: Partial<CounterDoc> | null): Counted {
  return { parts: doc?.parts ?? [], flows: doc?.flows ?? [] }
}

/** A counter that does not know of a later move of this instance. */
function placeOf({ subject, instance, sequence }: Move) {
  const later = { i: instance, n: { $gt: sequence } }
  return { _id: subject, parts: { $not: { $elemMatch: later } } }
}
