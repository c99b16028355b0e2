import { processDied, type Correction, type UsageEvent } from '../event.js'
import type { Model } from 'mongoose'
import { durable, type Database } from './database.js'
import type { Databases } from './databases.js'
import { beyond, newestFirst } from './newest-first.js'
import { stamped, stampedAnew } from './stamped.js'
import { outcomeOfError, outcomeOfInsert, type WriteOutcome } from './write-outcome.js'

/** Which part of the log a page shows. */
export interface LogFilter {
  user_id?: string
  model?: string
  endpoint?: string
  status?: string
  success?: boolean
  min_tokens?: number
  from?: Date
  to?: Date
}

/** Where a page of the log ended: newest first, ties by id. */
export interface LogPosition {
  timestamp: Date
  id: string
}

/** `usage_logs` in domain verbs. */
export class LogStore {
  readonly #db: Database
  readonly #reading: Database
  readonly #model: Model<UsageEvent>

  constructor({ flushing, reading }: Databases, model: Model<UsageEvent>) {
    this.#db = flushing
    this.#reading = reading
    this.#model = model
  }

  /**
   * Appends events, each once by `_id`; majority-acknowledged and journaled. Never throws. As a
   * command: the driver's `insertMany` measures each document before it writes it.
   */
  async append(events: readonly UsageEvent[]): Promise<WriteOutcome> {
    try {
      const reply = await this.#db.write({
        insert: this.#model.collection.collectionName,
        documents: events,
        ordered: false,
        writeConcern: { w: 'majority', j: true },
      })
      return outcomeOfInsert(reply, (index) => events[index]?._id ?? '')
    } catch (error) {
      return outcomeOfError(error)
    }
  }

  /** Stamps events again whose write took so long that readers may have passed them by. */
  async restamp(ids: readonly string[], recordedAt: Date): Promise<void> {
    const update = [{ $set: stamped(recordedAt) }]
    const operations = ids.map((_id) => ({ updateOne: { filter: { _id }, update } }))
    await this.#logs().bulkWrite(operations, { ordered: false, writeConcern: durable })
  }

  /**
   * Deals with events that were there already. One that was stamped before an instant may have come into
   * view later than that: it is stamped again. One that stands for an operation whose process was taken
   * for dead gives way to what the operation was.
   */
  async meetAgain(events: readonly UsageEvent[], recordedAt: Date, before: Date): Promise<void> {
    const operations = events.flatMap((event) => {
      const { _id, user_id, error_type } = event
      const died = { _id, user_id, error_type: processDied }
      const update = [{ $set: stamped(recordedAt) }]
      const again = { updateOne: { filter: { _id, recorded_at: { $lt: before } }, update } }
      if (error_type === processDied) return [again]
      return [{ replaceOne: { filter: died, replacement: event } }, again]
    })
    await this.#logs().bulkWrite(operations, { ordered: true, writeConcern: durable })
  }

  /** Takes events out again whose windows are read from the rollups only. */
  async withdraw(ids: readonly string[]): Promise<void> {
    await this.#logs().deleteMany({ _id: { $in: [...ids] } }, { writeConcern: durable })
  }

  /** Puts a provider's later figures in the place of an event's own; false if there is no such event. */
  async correct(id: string, correction: Correction, recordedAt: Date): Promise<boolean> {
    const figures = {
      ...correction,
      tokens_used: correction.input_tokens + correction.output_tokens,
      token_source: 'provider' as const,
      cost_source: correction.cost_nano_usd === null ? '$$REMOVE' : 'provider',
    }
    const { matchedCount } = await this.#db.within(
      this.#logs().updateOne({ _id: id }, [{ $set: { ...figures, ...stampedAnew(recordedAt) } }], {
        writeConcern: durable,
      }),
    )
    return matchedCount === 1
  }

  /** The stored fingerprints of events that came with their caller's id, by `_id`. */
  async contentHashes(ids: readonly string[]): Promise<Map<string, string | undefined>> {
    const cursor = this.#logs().find(
      { _id: { $in: [...ids] } },
      { projection: { content_hash: 1 }, readConcern: { level: 'local' } },
    )
    const found = await this.#db.within(cursor.toArray())
    return new Map(found.map((doc) => [doc._id, doc.content_hash]))
  }

  /** A page of the log, newest first. */
  async page(
    filter: LogFilter,
    after: LogPosition | undefined,
    limit: number,
  ): Promise<UsageEvent[]> {
    return newestFirst('timestamp', match(filter, after), limit, (which, sort, most) => {
      return this.#reading.within(this.#read().find(which).sort(sort).limit(most).toArray())
    })
  }

  /** What the latest operations of a kind that succeeded have used, newest first. */
  async pastUses(
    userId: string,
    { operation_type, model, since }: { operation_type?: string; model?: string; since: Date },
    limit: number,
  ): Promise<Pick<UsageEvent, 'tokens_used' | 'cost_nano_usd'>[]> {
    const cursor = this.#read()
      .find(
        {
          user_id: { $eq: userId },
          timestamp: { $gte: since },
          success: true,
          ...(operation_type !== undefined && { operation_type: { $eq: operation_type } }),
          ...(model !== undefined && { model: { $eq: model } }),
        },
        { projection: { _id: 0, tokens_used: 1, cost_nano_usd: 1 } },
      )
      .sort({ timestamp: -1 })
      .limit(limit)
    return this.#reading.within(cursor.toArray())
  }

  /** When the user last did anything; undefined if never. */
  async lastActivity(userId: string): Promise<Date | undefined> {
    const [last] = await this.#reading.within(
      this.#read()
        .find({ user_id: userId }, { projection: { _id: 0, timestamp: 1 } })
        .sort({ timestamp: -1 })
        .limit(1)
        .toArray(),
    )
    return last?.timestamp
  }

  #logs() {
    return this.#db.collection(this.#model)
  }

  #read() {
    return this.#reading.collection(this.#model)
  }
}

/** What an event of the page fulfils, all of it. */
function match(filter: LogFilter, after: LogPosition | undefined) {
  const { user_id, model, endpoint, status, success, min_tokens, from, to } = filter
  const timestamp = { ...(from && { $gte: from }), ...(to && { $lt: to }) }
  const conditions = {
    ...(user_id !== undefined && { user_id: { $eq: user_id } }),
    ...(model !== undefined && { model: { $eq: model } }),
    ...(endpoint !== undefined && { endpoint: { $eq: endpoint } }),
    ...(status !== undefined && { status: status as UsageEvent['status'] }),
    ...(success !== undefined && { success }),
    ...(min_tokens !== undefined && { tokens_used: { $gte: min_tokens } }),
    ...((from ?? to) && { timestamp }),
  }
  return [
    ...(Object.keys(conditions).length > 0 ? [conditions] : []),
    ...(after ? beyond('timestamp', after.timestamp, after.id) : []),
  ]
}
