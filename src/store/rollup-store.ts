import type { Model, mongo } from 'mongoose'
import { figureNames } from '../rollup/cells.js'
import type { DayDoc, IntervalDoc } from '../rollup/documents.js'
import type { LocalDay, Span } from '../time.js'
import { cellFigures } from './cell-sums.js'
import { durable, type Database } from './database.js'
import type { Databases } from './databases.js'
import { dayOf } from './day-of.js'
import { ofCells, type PartOf } from './part-of.js'
import { inParts, rangesAtOnce, rangesOf } from './span-parts.js'
import type { DaySum, UserFigures, UserSum, UserTotals } from './user-sums.js'
import {
  keyOf,
  notNewerThan,
  notSealed,
  onlyDuplicates,
  whoFilter,
  type Who,
} from './rollup-filters.js'

type Doc = (DayDoc | IntervalDoc) & { _id: string }
/** So many are written at once: to encode them takes a moment of the host's. */
const chunk = 100
/** How long the sums over all documents of some users may take: rolling up waits for them. */
const totalsMs = 60_000

/** What the sums of documents say, of a user or of a day. */
const sums = {
  operations: { $sum: '$total_operations' },
  tokens: { $sum: '$total_tokens' },
  cost_nano_usd: { $sum: '$cost_nano_usd' },
  unpriced_operations: { $sum: '$unpriced_operations' },
}

/** One rollup collection (`daily_stats` or `usage_intervals`) in domain verbs. */
export class RollupStore<T extends Doc> {
  readonly #db: Database
  readonly #reading: Database
  readonly #model: Model<T>
  readonly #at: 'date' | 'start'

  constructor({ flushing, reading }: Databases, model: Model<T>, at: 'date' | 'start') {
    this.#db = flushing
    this.#reading = reading
    this.#model = model
    this.#at = at
  }

  /**
   * Puts documents in place unless one computed from more is there already: the log only grows, and
   * revisions of its costs too, so of two versions the one with the later stamp or the higher counts
   * has seen more. What is final gives way to nothing but what is put as final.
   */
  async put(docs: readonly T[]): Promise<void> {
    for (let i = 0; i < docs.length; i += chunk) await this.#put(docs.slice(i, i + chunk))
  }

  async #put(docs: readonly T[]): Promise<void> {
    const operations = docs.map((doc) => ({
      replaceOne: {
        filter: { ...keyOf(doc), ...(!doc.sealed && notSealed), $or: notNewerThan(doc) },
        replacement: doc,
        upsert: true,
      },
    }))
    await this.#write(operations)
  }

  /** Puts documents in place whatever is there, unless it is final: for rebuilding from the log. */
  async replace(docs: readonly T[]): Promise<void> {
    for (let i = 0; i < docs.length; i += chunk) {
      const operations = docs.slice(i, i + chunk).map((doc) => ({
        replaceOne: { filter: { ...keyOf(doc), ...notSealed }, replacement: doc, upsert: true },
      }))
      await this.#write(operations)
    }
  }

  /** Marks the documents of a span as final. */
  async seal(span: Span): Promise<void> {
    const update = { $set: { sealed: true } } as never
    const filter = { ...this.#within(span), ...notSealed }
    await this.#stored().updateMany(filter, update)
  }

  /** Removes the documents of a span that are not among `keep`; answers their ids. */
  async removeOthers(span: Span, keep: ReadonlySet<string>): Promise<string[]> {
    const found = await this.#native(Infinity)
      .find(this.#within(span), { projection: { _id: 1, user_id: 1 } })
      .toArray()
    const stray = found.filter(({ _id }) => !keep.has(_id))
    for (let i = 0; i < stray.length; i += chunk) {
      const some = stray.slice(i, i + chunk)
      await this.#write(
        some.map((doc) => ({ deleteOne: { filter: { ...keyOf(doc), ...notSealed } } })),
      )
    }
    return stray.map(({ _id }) => _id)
  }

  /** The documents of these spans: sorted by id. */
  async read(spans: readonly Span[], who: Who, deadlineMs?: number): Promise<T[]> {
    const found = await this.#inParts(spans, ($or) => {
      const cursor = this.#native(deadlineMs).find({ ...whoFilter(who), $or } as never)
      return this.#reading.within(cursor.toArray() as unknown as Promise<T[]>, deadlineMs)
    })
    // Here, not there: MongoDB may not have the memory for so many.
    return found.sort((a, b) => (a._id < b._id ? -1 : 1))
  }

  /** How many users have documents of a day or a window, which the span is. */
  async userCount(span: Span): Promise<number> {
    const which = { ...this.#within(span), user_id: { $type: 'string' } }
    const pipeline = [{ $match: which }, { $count: 'users' }]
    const [found] = await this.#reading.within(
      this.#native().aggregate<{ users: number }>(pipeline).toArray(),
    )
    return found?.users ?? 0
  }

  /**
   * The documents of one user in these spans, with what the user usage response needs of their cells:
   * decoding them is most of what that answer costs.
   */
  async readUser(spans: readonly Span[], userId: string): Promise<PartOf<T>[]> {
    const projection = { [this.#at]: 1, ...ofCells }
    return this.#inParts(spans, ($or) => {
      const filter = { ...whoFilter({ user_id: userId }), $or }
      const cursor = this.#native().find(filter as never, { projection })
      return this.#reading.within(cursor.toArray() as unknown as Promise<PartOf<T>[]>)
    })
  }

  /** The latest operation that the documents of a user know of. */
  async lastActivity(userId: string): Promise<Date | undefined> {
    const cursor = this.#native()
      .find(whoFilter({ user_id: userId }) as never, { projection: { last_activity_at: 1 } })
      .sort({ [this.#at]: -1 })
      .limit(1)
    const [last] = await this.#reading.within(cursor.toArray())
    return last?.last_activity_at
  }

  /** Sums per user over these spans. A user may come several times, to be added up. */
  async perUser(spans: readonly Span[]): Promise<UserSum[]> {
    const stages = [
      { $group: { _id: '$user_id', ...sums } },
      { $set: { user_id: '$_id' } },
      { $unset: '_id' },
    ]
    return this.#inParts(spans, ($or) => {
      const pipeline = [{ $match: { scope: 'user', $or } }, ...stages]
      return this.#reading.within(this.#native().aggregate<UserSum>(pipeline).toArray())
    })
  }

  /** Sums of everybody on each of some days. A day may come several times, to be added up. */
  async perDay(spans: readonly Span[], days: readonly LocalDay[]): Promise<DaySum[]> {
    const stages = [
      { $group: { _id: dayOf(`$${this.#at}`, days), ...sums, users: { $max: '$unique_users' } } },
      { $set: { day: '$_id' } },
      { $unset: '_id' },
    ]
    return this.#inParts(spans, ($or) => {
      const pipeline = [{ $match: { ...whoFilter('global'), $or } }, ...stages]
      return this.#reading.within(this.#native().aggregate<DaySum>(pipeline).toArray())
    })
  }

  /** All figures of each of these users over these spans: a user may come several times. */
  async sums(spans: readonly Span[], userIds: readonly string[]): Promise<UserFigures[]> {
    const stages = [
      { $set: cellFigures },
      {
        $group: {
          _id: '$user_id',
          ...Object.fromEntries(figureNames.map((figure) => [figure, { $sum: `$${figure}` }])),
          last_activity_at: { $max: '$last_activity_at' },
        },
      },
      { $set: { user_id: '$_id' } },
      { $unset: '_id' },
    ]
    return this.#inParts(spans, ($or) => {
      const which = { ...whoFilter({ user_ids: userIds }), $or }
      const pipeline = [{ $match: which }, ...stages]
      return this.#reading.within(this.#native().aggregate<UserFigures>(pipeline).toArray())
    })
  }

  /** Sums over the documents of these users, all or those of a time. */
  async totals(
    userIds: readonly string[],
    { from, to }: Partial<Span> = {},
  ): Promise<UserTotals[]> {
    if (userIds.length === 0) return []
    const time = { ...(from && { $gte: from }), ...(to && { $lt: to }) }
    const within = from || to ? { [this.#at]: time } : {}
    const pipeline = [
      { $match: { scope: 'user', user_id: { $in: [...userIds] }, ...within } },
      {
        $group: {
          _id: '$user_id',
          total_operations: { $sum: '$total_operations' },
          total_tokens: { $sum: '$total_tokens' },
          total_cost_nano_usd: { $sum: '$cost_nano_usd' },
          total_unpriced_operations: { $sum: '$unpriced_operations' },
          last_active_at: { $max: '$last_activity_at' },
          last_recorded_at: { $max: '$last_recorded_at' },
          price_revisions: { $sum: '$price_revisions' },
        },
      },
    ]
    const cursor = this.#native(totalsMs).aggregate<UserTotals>(pipeline)
    return this.#reading.within(cursor.toArray(), totalsMs)
  }

  #inParts<F>(
    spans: readonly Span[],
    ask: ($or: Record<string, unknown>[]) => Promise<F[]>,
  ): Promise<F[]> {
    return inParts(spans, rangesAtOnce, (some) => ask(rangesOf(this.#at, some)))
  }

  #within({ from, to }: Span) {
    return { [this.#at]: { $gte: from, $lt: to } }
  }

  #native(deadlineMs?: number) {
    return this.#reading.collection(this.#model as unknown as Model<Doc>, deadlineMs)
  }

  async #write(operations: mongo.AnyBulkWriteOperation<Doc>[]): Promise<void> {
    try {
      await this.#stored().bulkWrite(operations, { ordered: false, writeConcern: durable })
    } catch (error) {
      if (!onlyDuplicates(error)) throw error
    }
  }

  #stored() {
    return this.#db.collection(this.#model as unknown as Model<Doc>)
  }
}
