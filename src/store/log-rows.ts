import type { Model } from 'mongoose'
import type { UsageEvent } from '../event.js'
import { cellOf, figureNames, keyNames, type Cell } from '../rollup/cells.js'
import { bucketExpression } from '../rollup/histogram.js'
import { intervalMs, type Span } from '../time.js'
import { groupsInBatches } from './cell-sums.js'
import type { Database } from './database.js'
import { inParts, rangesAtOnce, rangesOf } from './span-parts.js'

/** Operations of one user in one 15-minute window that are alike in every fact of a cell. */
export interface LogRow extends Cell {
  user_id: string
  /** Start of the window. */
  start: Date
  first_activity_at: Date
  last_activity_at: Date
  last_recorded_at: Date
  /** How often costs of these operations have been rewritten. */
  price_revisions: number
}

const minutes = intervalMs / 60_000

/** How the fields of a group's operations are read: plainly, or share by share. */
interface Reading {
  /** A field of the operation, or of its share. */
  readonly of: (field: string) => unknown
  /** What belongs to an operation as a whole; summed once per operation. */
  readonly once: (value: unknown) => unknown
  /** The latency bucket; null where the operation is counted elsewhere. */
  readonly bucket: unknown
  /** Whether an unpriced operation is counted here. */
  readonly countsUnpriced: unknown
}

function groupStage({ of, once, bucket, countsUnpriced }: Reading) {
  const sum = (field: string) => ({ $sum: of(field) })
  const tokens = { $add: [of('input_tokens'), of('output_tokens')] }
  const isUnpriced = {
    $and: [{ $eq: [{ $ifNull: [of('cost_nano_usd'), null] }, null] }, { $gt: [tokens, 0] }],
  }
  return {
    $group: {
      _id: {
        start: { $dateTrunc: { date: '$timestamp', unit: 'minute', binSize: minutes } },
        user_id: '$user_id',
        operation_type: '$operation_type',
        endpoint: '$endpoint',
        tier: '$tier',
        token_source: '$token_source',
        provider: of('provider'),
        model: of('model'),
        bucket,
      },
      operations: once(1),
      failed_operations: once({ $cond: ['$success', 0, 1] }),
      input_tokens: sum('input_tokens'),
      output_tokens: sum('output_tokens'),
      cache_read_tokens: sum('cache_read_tokens'),
      cache_write_tokens: sum('cache_write_tokens'),
      reasoning_tokens: sum('reasoning_tokens'),
      cost_nano_usd: sum('cost_nano_usd'),
      unpriced_operations: { $sum: { $cond: [{ $and: [isUnpriced, countsUnpriced] }, 1, 0] } },
      unpriced_tokens: { $sum: { $cond: [isUnpriced, tokens, 0] } },
      response_time_ms_sum: once({ $ifNull: ['$response_time_ms', 0] }),
      response_time_samples: once({ $cond: [{ $gte: ['$response_time_ms', 0] }, 1, 0] }),
      first_activity_at: { $min: '$timestamp' },
      last_activity_at: { $max: '$timestamp' },
      last_recorded_at: { $max: '$recorded_at' },
      price_revisions: once({ $ifNull: ['$price_revision', 0] }),
    },
  }
}

/** Operations of one model, or none: nearly all. */
const plainStages = [
  groupStage({
    of: (field) => `$${field}`,
    once: (value) => ({ $sum: value }),
    bucket: bucketExpression('$response_time_ms'),
    countsUnpriced: true,
  }),
]

const shareTokens = { $add: ['$$this.input_tokens', '$$this.output_tokens'] }

/** Position of the share with the most tokens, the first of them. */
const mainShare = {
  $let: {
    vars: { tokens: { $map: { input: '$models', in: shareTokens } } },
    in: { $indexOfArray: ['$$tokens', { $max: '$$tokens' }] },
  },
}

/** Position of the first share that used tokens and has no price; -1 where there is none. */
const unpricedShare = {
  $indexOfArray: [
    {
      $map: {
        input: '$models',
        in: { $and: [{ $eq: ['$$this.cost_nano_usd', null] }, { $gt: [shareTokens, 0] }] },
      },
    },
    true,
  ],
}

const countsHere = { $eq: ['$share', '$main'] }

/**
 * An operation that had several models becomes a document per share. It is counted, with what
 * belongs to it as a whole, on the share with the most tokens; as unpriced on the first share that
 * is. So everything adds up.
 */
const shareStages = [
  { $set: { main: mainShare, unpriced: unpricedShare } },
  { $unwind: { path: '$models', includeArrayIndex: 'share' } },
  groupStage({
    of: (field) => `$models.${field}`,
    once: (value) => ({ $sum: { $cond: [countsHere, value, 0] } }),
    bucket: { $cond: [countsHere, bucketExpression('$response_time_ms'), null] },
    countsUnpriced: { $eq: ['$share', '$unpriced'] },
  }),
]

/** Which operations are read how: none is of both kinds. An empty list of shares is none. */
const kinds = [
  { match: { 'models.0': { $exists: false } }, stages: plainStages },
  { match: { models: { $exists: true }, 'models.0': { $exists: true } }, stages: shareStages },
]

const rowKeys = ['start', 'user_id', ...keyNames] as const

/** Groups that differ in the latency bucket only become one: each is a document to read here. */
const gatherStage = {
  $group: {
    _id: Object.fromEntries(rowKeys.map((key) => [key, `$_id.${key}`])),
    ...Object.fromEntries(
      [...figureNames, 'price_revisions'].map((name) => [name, { $sum: `$${name}` }]),
    ),
    first_activity_at: { $min: '$first_activity_at' },
    last_activity_at: { $max: '$last_activity_at' },
    last_recorded_at: { $max: '$last_recorded_at' },
    buckets: { $push: '$_id.bucket' },
    counts: { $push: '$operations' },
  },
}

interface Grouped extends Omit<LogRow, 'latency' | (typeof rowKeys)[number]> {
  _id: Pick<LogRow, (typeof rowKeys)[number]>
  /** Latency buckets, null for operations without; and how many operations are in each. */
  buckets: (number | null)[]
  counts: number[]
}

/** Reads the log as sums. MongoDB does the adding, so the host's process does not. */
export class LogRows {
  readonly #db: Database
  readonly #model: Model<UsageEvent>

  constructor(db: Database, model: Model<UsageEvent>) {
    this.#db = db
    this.#model = model
  }

  /** The rows of these spans (which must not overlap), of one user or of everybody. */
  async read(
    spans: readonly Span[],
    userId: string | undefined,
    deadlineMs?: number,
  ): Promise<LogRow[]> {
    return this.#read(spans, userId === undefined ? {} : { user_id: { $eq: userId } }, deadlineMs)
  }

  /** The same for several users. */
  async readUsers(spans: readonly Span[], userIds: readonly string[]): Promise<LogRow[]> {
    return this.#read(spans, { user_id: { $in: [...userIds] } })
  }

  async #read(spans: readonly Span[], who: object, deadlineMs?: number): Promise<LogRow[]> {
    // A few spans are long ones: a query each, which MongoDB works on side by side.
    const size = spans.length > rangesAtOnce ? rangesAtOnce : 1
    const found = await inParts(spans, size, async (some) => {
      const $or = rangesOf('timestamp', some)
      const parts = await Promise.all(
        kinds.map(({ match, stages }) => {
          const which = { ...who, $or, ...match }
          const cursor = this.#db
            .collection(this.#model, deadlineMs)
            .aggregate<Grouped>([{ $match: which }, ...stages, gatherStage], groupsInBatches)
          return this.#db.within(cursor.toArray(), deadlineMs)
        }),
      )
      return parts.flat()
    })
    return found.map(rowOf)
  }

  /** Starts of the windows of a span holding an event recorded from `since` on, long after it happened. */
  async lateWindows(since: Date, { from, to }: Span): Promise<Date[]> {
    const timestamp = { $gte: from, $lt: to }
    return this.#windows({ late: true, recorded_at: { $gte: since }, timestamp })
  }

  /** Starts of the windows from the horizon on holding an event recorded from `since` on. */
  async touchedWindows(since: Date, horizon: Date): Promise<Date[]> {
    return this.#windows({ recorded_at: { $gte: since }, timestamp: { $gte: horizon } }, 60_000)
  }

  /** Starts of the windows of a span that hold any event. */
  async windowsIn({ from, to }: Span): Promise<Date[]> {
    return this.#windows({ timestamp: { $gte: from, $lt: to } }, 60_000)
  }

  async #windows(match: object, deadlineMs?: number): Promise<Date[]> {
    const start = { $dateTrunc: { date: '$timestamp', unit: 'minute', binSize: minutes } }
    const cursor = this.#db
      .collection(this.#model, deadlineMs)
      .aggregate<{ _id: Date }>([{ $match: match }, { $group: { _id: start } }])
    const found = await this.#db.within(cursor.toArray(), deadlineMs)
    return found.map((doc) => doc._id).sort((a, b) => a.getTime() - b.getTime())
  }
}

function rowOf(group: Grouped): LogRow {
  const { _id, buckets, counts } = group
  const latency: number[] = []
  for (const [at, bucket] of buckets.entries())
    if (bucket !== null) latency.push(bucket, counts[at] ?? 0)
  const row = cellOf(_id, group, latency) as LogRow
  row.user_id = _id.user_id
  row.start = _id.start
  row.first_activity_at = group.first_activity_at
  row.last_activity_at = group.last_activity_at
  row.last_recorded_at = group.last_recorded_at
  row.price_revisions = group.price_revisions
  return row
}
