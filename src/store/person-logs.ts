import type { Model } from 'mongoose'
import type { UsageEvent } from '../event.js'
import { floorTo, intervalMs, maxAheadMs, type Span } from '../time.js'
import { durable, type Database } from './database.js'
import { stamped, stampedAnew } from './stamped.js'

/** Whose name gives way to which, in what lies before an instant; by when it was recorded, if dated ahead. */
export interface Renaming {
  readonly from: string
  readonly to: string
  readonly until: Date
}

/** What could tell who it was, beside the user id. Tokens and costs stay. */
export const telling = [
  'client_request_id',
  'conversation_id',
  'generation_id',
  'metadata',
  'content_hash',
] as const

/** How long exporting or listing a person's whole log may take in the database, ms. */
const readMs = 120_000

/** `usage_logs`, person by person. */
export class PersonLogs {
  readonly #db: Database
  readonly #model: Model<UsageEvent>

  constructor(db: Database, model: Model<UsageEvent>) {
    this.#db = db
    this.#model = model
  }

  /** How many operations of a user there are in a span. */
  count(userId: string, { from, to }: Span): Promise<number> {
    const filter = { user_id: { $eq: userId }, timestamp: { $gte: from, $lt: to } }
    return this.#db.within(this.#logs().countDocuments(filter))
  }

  async has(userId: string, before?: Date): Promise<boolean> {
    const filter = { user_id: { $eq: userId }, ...(before && upTo(before)) }
    const found = this.#logs().findOne(filter, { projection: { _id: 1 } })
    return (await this.#db.within(found)) !== null
  }

  /** Renames so many operations at most, recorded anew (see rollup/freshness.ts); answers how many. */
  async rename({ from, to, until }: Renaming, stamp: Date, count: number): Promise<number> {
    const filter = { user_id: { $eq: from }, ...upTo(until) }
    const cursor = this.#logs()
      .find(filter, { projection: { _id: 1 } })
      .limit(count)
    const ids = (await this.#db.within(cursor.toArray())).map(({ _id }) => _id)
    if (ids.length === 0) return 0
    const update = [
      { $set: { user_id: { $literal: to }, ...stampedAnew(stamp) } },
      { $unset: [...telling] },
    ]
    await this.#logs().updateMany({ _id: { $in: ids }, user_id: { $eq: from } }, update, {
      writeConcern: durable,
    })
    return ids.length
  }

  /** The windows of a user, each with one of its operations. */
  async windows(userId: string, { from, to }: Span): Promise<{ start: Date; id: string }[]> {
    const cursor = this.#db
      .collection(this.#model, readMs)
      .find(
        { user_id: { $eq: userId }, timestamp: { $gte: from, $lt: to } },
        { projection: { timestamp: 1 } },
      )
      .sort({ timestamp: 1 })
    const windows: { start: Date; id: string }[] = []
    for await (const { _id, timestamp } of cursor) {
      const start = floorTo(timestamp.getTime(), intervalMs)
      if (windows.at(-1)?.start.getTime() === start) continue
      windows.push({ start: new Date(start), id: _id })
    }
    return windows
  }

  /** Stamps operations as recorded at an instant, unless they are already later. */
  async restamp(ids: readonly string[], stamp: Date): Promise<void> {
    await this.#logs().updateMany({ _id: { $in: [...ids] } }, [{ $set: stamped(stamp) }], {
      writeConcern: durable,
    })
  }

  /** All operations of a user, newest first, batch by batch. */
  async *all(userId: string, size: number): AsyncGenerator<UsageEvent[]> {
    const cursor = this.#db
      .collection(this.#model, readMs)
      .find({ user_id: { $eq: userId } })
      .sort({ timestamp: -1 })
      .batchSize(size)
    yield* this.#db.batches(cursor)
  }

  #logs() {
    return this.#db.collection(this.#model)
  }
}

/** When what was recorded before an instant is dated at the latest. */
export function aheadOf(instant: Date): Date {
  return new Date(instant.getTime() + maxAheadMs)
}

/** What was done before an instant, also where it is dated ahead; in the order of the user's index. */
function upTo(instant: Date) {
  return {
    timestamp: { $lte: aheadOf(instant) },
    $or: [{ timestamp: { $lt: instant } }, { recorded_at: { $lt: instant } }],
  }
}
