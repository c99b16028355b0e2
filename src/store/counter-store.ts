import type { Model } from 'mongoose'
import type { CounterDoc, CounterPart } from '../../models/counter.js'
import type { Counted } from './counter-flow.js'
import type { Clock } from '../clock.js'
import { nothing, plus, type Amount } from '../limits/amount.js'
import { movedOf, pipelineOf, type Move, type Moved } from './counter-move.js'
import { isDuplicate, type Database } from './database.js'
import type { Databases } from './databases.js'
import { wasPut } from './revisions.js'
import { UsageError } from '../errors.js'
import { writeErrorsOf } from './write-outcome.js'

/** A counter as it was read. */
export interface CounterState extends Counted {
  readonly subject: string
  /** When it was last told something. */
  readonly updated_at: Date
}

/** Moves from which on one command for all and one that reads what became of them cost less. */
const worthwhile = 3

/** A clock that is off by less than this, or by more, is taken as it is, ms. */
const leastMs = 1_000
const mostMs = 3_600_000

/** Whose part it is that brings a counter in line with the log. */
const fromLog = 'log'

/**
 * `usage_counters` in domain verbs. Its times are the database's as far as this machine's are known to
 * differ: what one instance holds until an instant, others let be until the same.
 */
export class CounterStore {
  readonly #db: Database
  readonly #reading: Database
  readonly #model: Model<CounterDoc>
  readonly #now: () => number
  readonly #flushing: Database

  constructor({ admission, reading, flushing }: Databases, model: Model<CounterDoc>, clock: Clock) {
    this.#db = admission
    this.#reading = reading
    // Its clock is looked at all the time.
    this.#flushing = flushing
    this.#model = model
    this.#now = () => clock.now()
  }

  /**
   * Says and asks, each in one atomic update: asks are admitted in their order, each if all limits have
   * room. What is rejected is uncertain, and can be done again.
   */
  async move(given: readonly Move[]): Promise<PromiseSettledResult<Moved>[]> {
    const moves = this.#toServer(given)
    if (moves.length < worthwhile) return Promise.allSettled(moves.map((one) => this.#move(one)))
    const wasSaid = await this.#say(moves)
    const said = moves.filter((_, index) => wasSaid[index])
    // Ours stays what it is until we move again, whatever others do to the counter meanwhile.
    const found = await this.find(said.map(({ subject }) => subject))
    const results = moves.map(async (move, index) => {
      // Two instances made the same counter at once; the one that lost finds it now.
      if (wasSaid[index] !== true) return this.#move(move)
      const moved = movedOf(move, found.get(move.subject) ?? this.#countedOf(null))
      if (moved === undefined) throw new UsageError('store_unavailable', 'The move was not found')
      return moved
    })
    return Promise.allSettled(results)
  }

  /** Says for many subjects in one trip; answers for each whether it was said. Rejects when nothing is certain. */
  say(moves: readonly Move[]): Promise<boolean[]> {
    return this.#say(this.#toServer(moves))
  }

  async #say(moves: readonly Move[]): Promise<boolean[]> {
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

  /** The counters of users that were told something last after `from` and up to `to`, epoch ms. */
  async *usedIn(from: number, to: number, limit: number): AsyncGenerator<CounterState> {
    const updated_at = { $gt: this.#serverDate(from), $lte: this.#serverDate(to) }
    const cursor = this.#reading
      .collection(this.#model)
      .find({ _id: { $gte: 'user:', $lt: 'user;' }, updated_at })
      .sort({ updated_at: 1 })
      .limit(limit)
    for await (const doc of cursor) yield this.#stateOf(doc)
  }

  /** All counters that were told something since an instant. */
  async *usedSince(since: Date): AsyncGenerator<CounterState> {
    const cursor = this.#reading.collection(this.#model).find({
      updated_at: { $gte: this.#serverDate(since.getTime()) },
    })
    for await (const doc of cursor) yield this.#stateOf(doc)
  }

  async states(subjects: readonly string[]): Promise<CounterState[]> {
    const found = this.#counters().find({ _id: { $in: [...subjects] } })
    return (await this.#db.within(found.toArray())).map((doc) => this.#stateOf(doc))
  }

  /**
   * Adds to what is settled in windows, apart from what instances say; makes a counter that is none yet
   * (`updated_at` undefined). False when it has been told something since it was read.
   */
  add(
    { subject, updated_at, parts = [] }: Partial<CounterState> & { readonly subject: string },
    amounts: readonly { readonly key: string; readonly amount: Amount }[],
  ): Promise<boolean> {
    const keys = amounts.map(({ key }) => key)
    const added = amounts.map(({ key, amount }) => {
      const before = parts.find(({ i, k }) => i === fromLog && k === key)
      return partOf(key, before, amount)
    })
    const ahead = this.#aheadMs
    const others = parts
      .filter(({ i, k }) => i !== fromLog || !keys.includes(k))
      .map((part) => (ahead === 0 ? part : { ...part, e: part.e - ahead }))
    const change = this.#counters().updateOne(
      {
        _id: subject,
        updated_at: updated_at ? this.#serverDate(updated_at.getTime()) : { $exists: false },
      },
      { $set: { parts: [...others, ...added], updated_at: this.#serverDate(this.#now()) } },
      { upsert: updated_at === undefined, writeConcern: { w: 'majority' } },
    )
    return wasPut(this.#db, change)
  }

  #counters() {
    return this.#db.collection(this.#model)
  }

  async #move(move: Move): Promise<Moved> {
    const update = () =>
      this.#counters().findOneAndUpdate(placeOf(move), pipelineOf(move), {
        upsert: true,
        returnDocument: 'after',
        writeConcern: { w: 'majority' },
      })
    const found = await update().catch((error: unknown) => {
      // As above.
      if (isDuplicate(error)) return update()
      throw error
    })
    const moved = movedOf(move, this.#countedOf(found))
    if (moved === undefined) throw new UsageError('store_unavailable', 'The move was not found')
    return moved
  }

  /** By subject; those without a counter are left out. */
  async find(subjects: readonly string[]): Promise<Map<string, Counted>> {
    const counters = this.#counters()
    const found = await this.#db.within(counters.find({ _id: { $in: [...subjects] } }).toArray())
    return new Map(found.map((doc) => [doc._id, this.#countedOf(doc)]))
  }

  /** How far this machine's clock is ahead of the database's; one that is far off is not believed, ms. */
  get #aheadMs(): number {
    const { aheadMs } = this.#flushing
    const distance = Math.abs(aheadMs)
    return distance < leastMs || distance > mostMs ? 0 : aheadMs
  }

  #toServer(moves: readonly Move[]): readonly Move[] {
    const ahead = this.#aheadMs
    if (ahead === 0) return moves
    return moves.map((move) => ({
      ...move,
      now: move.now - ahead,
      leaseUntil: move.leaseUntil - ahead,
    }))
  }

  #serverDate(ms: number): Date {
    return new Date(ms - this.#aheadMs)
  }

  #stateOf(doc: CounterDoc): CounterState {
    const updated_at = new Date(doc.updated_at.getTime() + this.#aheadMs)
    return { subject: doc._id, updated_at, ...this.#countedOf(doc) }
  }

  #countedOf(doc: Partial<CounterDoc> | null): Counted {
    const { parts = [], flows = [] } = doc ?? {}
    const ahead = this.#aheadMs
    if (ahead === 0) return { parts, flows }
    return {
      parts: parts.map((part) => ({ ...part, e: part.e + ahead })),
      flows: flows.map((flow) => ({ ...flow, at: flow.at + ahead })),
    }
  }
}

function partOf(key: string, before: CounterPart | undefined, amount: Amount): CounterPart {
  const known = before ? { requests: before.ur, tokens: before.ut, cost: before.uc } : nothing
  const { requests, tokens, cost } = plus(known, amount)
  const settled = { ur: requests, ut: tokens, uc: cost }
  return { i: fromLog, n: 0, k: key, e: 0, ...settled, hr: 0, ht: 0, hc: 0 }
}

/** A counter that does not know of a later move of this instance. */
function placeOf({ subject, instance, sequence }: Move) {
  const later = { i: instance, n: { $gt: sequence } }
  return { _id: subject, parts: { $not: { $elemMatch: later } } }
}
