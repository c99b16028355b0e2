import type { Model } from 'mongoose'
import type { CellKey, Figures, PartOfCell } from '../rollup/cells.js'
import type { DayDoc, IntervalDoc } from '../rollup/documents.js'
import type { Span } from '../time.js'
import { cellFacts, cellFigures } from './cell-sums.js'
import type { Database } from './database.js'
import { whoFilter } from './rollup-filters.js'
import { inParts, rangesAtOnce, rangesOf } from './span-parts.js'

/** What answers about everybody tell apart. */
const facts = ['operation_type', 'token_source', 'provider', 'model'] as const
type Facts = Partial<Pick<CellKey, (typeof facts)[number]>>

const key = cellFacts(facts)
const sums = [{ $group: { _id: key, ...cellFigures } }]
const all = [{ $group: { _id: key, ...cellFigures, latency: { $push: '$cells.latency' } } }]

const at = (index: unknown) => ({ $arrayElemAt: ['$cells.latency', index] })
/** Histograms are stored flat: bucket, count, bucket, count. */
const pairs = {
  $map: {
    input: { $range: [0, { $size: { $ifNull: ['$cells.latency', []] } }, 2] },
    in: { bucket: at('$$this'), count: at({ $add: ['$$this', 1] }) },
  },
}
const histograms = [
  { $project: { _id: 0, key, pair: pairs } },
  { $unwind: '$pair' },
  { $group: { _id: { key: '$key', bucket: '$pair.bucket' }, count: { $sum: '$pair.count' } } },
  {
    $group: {
      _id: '$_id.key',
      buckets: { $push: '$_id.bucket' },
      counts: { $push: '$count' },
    },
  },
]

interface Histograms {
  _id: Facts
  buckets: number[]
  counts: number[]
}

/**
 * What the documents of everybody say, all together. MongoDB does the adding: there are megabytes of
 * them, and to decode those would hold up the host's requests.
 */
export class GlobalCells {
  readonly #db: Database
  readonly #model: Model<DayDoc | IntervalDoc>
  readonly #at: 'date' | 'start'

  constructor(db: Database, model: Model<DayDoc> | Model<IntervalDoc>, at: 'date' | 'start') {
    this.#db = db
    this.#model = model as unknown as Model<DayDoc | IntervalDoc>
    this.#at = at
  }

  /** In parts, to be added up: figures without latencies, and latencies without figures. */
  async read(spans: readonly Span[]): Promise<PartOfCell[]> {
    const [summed, gathered] = await Promise.all([
      this.#ask<Figures & { _id: Facts }>(spans, sums),
      this.#ask<Histograms>(spans, histograms),
    ])
    return [
      ...summed.map(({ _id, ...figures }) => ({ ..._id, ...figures })),
      ...gathered.map(({ _id, buckets, counts }) => {
        return { ..._id, latency: buckets.flatMap((bucket, index) => [bucket, counts[index] ?? 0]) }
      }),
    ]
  }

  /** The same of few documents, in half as many questions: their histograms are added up here. */
  async readFew(spans: readonly Span[]): Promise<PartOfCell[]> {
    const found = await this.#ask<Figures & { _id: Facts; latency: number[][] }>(spans, all)
    return found.map(({ _id, latency, ...figures }) => {
      return { ..._id, ...figures, latency: latency.flat() }
    })
  }

  #ask<T extends object>(spans: readonly Span[], stages: readonly object[]): Promise<T[]> {
    return inParts(spans, rangesAtOnce, (some) => {
      const which = { $match: { ...whoFilter('global'), $or: rangesOf(this.#at, some) } }
      const pipeline = [which, { $unwind: '$cells' }, ...stages]
      return this.#db.within(this.#db.collection(this.#model).aggregate<T>(pipeline).toArray())
    })
  }
}
