import type { Model } from 'mongoose'
import { cellOf, keyNames, type CellKey, type Figures } from '../rollup/cells.js'
import type { IntervalDoc, PartOfDay, SeenOfLog } from '../rollup/documents.js'
import type { Span } from '../time.js'
import { cellFacts, cellFigures, groupsInBatches } from './cell-sums.js'
import type { Database } from './database.js'
import { whoFilter, type Who } from './rollup-filters.js'

interface Grouped extends Figures, Required<SeenOfLog> {
  _id: CellKey & { user_id?: string | null }
  latency: number[][]
}

/** What a window says as a whole is taken with its first cell. */
const withFirst = (field: string) => ({ $sum: { $cond: [{ $eq: ['$at', 0] }, field, 0] } })

const stages = [
  { $unwind: { path: '$cells', includeArrayIndex: 'at' } },
  {
    $group: {
      _id: { user_id: '$user_id', ...cellFacts(keyNames) },
      ...cellFigures,
      latency: { $push: '$cells.latency' },
      last_activity_at: { $max: '$last_activity_at' },
      last_recorded_at: { $max: '$last_recorded_at' },
      price_revisions: withFirst('$price_revisions'),
    },
  },
]

/**
 * The windows of a span, added up. MongoDB does the adding: a user has dozens of them a day, and to
 * decode those of everybody would take more of the host's time than all it does for their requests.
 */
export class WindowSums {
  readonly #db: Database
  readonly #model: Model<IntervalDoc>

  constructor(db: Database, model: Model<IntervalDoc>) {
    this.#db = db
    this.#model = model
  }

  /** Cell by cell, of a user or of everybody; each begins where the span does. */
  async read({ from, to }: Span, who: Who, deadlineMs: number): Promise<PartOfDay[]> {
    const which = { ...whoFilter(who), start: { $gte: from, $lt: to } }
    const cursor = this.#db
      .collection(this.#model, deadlineMs)
      .aggregate<Grouped>([{ $match: which }, ...stages], groupsInBatches)
    const found = await this.#db.within(cursor.toArray(), deadlineMs)
    return found.map((group) => sumOf(group, from))
  }
}

function sumOf(group: Grouped, start: Date): PartOfDay {
  const { _id, last_activity_at, last_recorded_at, price_revisions } = group
  const cells = [cellOf(_id, group, group.latency.flat())]
  const { user_id } = _id
  const sum = { start, cells, last_activity_at, last_recorded_at, price_revisions }
  return typeof user_id === 'string' ? { user_id, ...sum } : sum
}
