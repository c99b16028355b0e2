import type { LogRow } from '../store/log-rows.js'
import { dayMs, floorTo } from '../time.js'
import { boundedCells } from './bounded.js'
import { CellSet } from './cells.js'
import {
  rollupId,
  totalsOf,
  type DayDoc,
  type IntervalDoc,
  type PartOfDay,
  type RollupFigures,
  type SeenOfLog,
} from './documents.js'

/**
 * The documents of windows, from the log's rows: one per user and window and one per window for
 * everybody. A pure function: the same rows in any order give the same bytes.
 */
export class IntervalDocs {
  readonly #users = new Map<string, Gathered>()
  readonly #everybody = new Map<string, Gathered>()

  add(rows: readonly LogRow[]): void {
    for (const row of rows) {
      gather(this.#users, rollupId(row.start, row.user_id), row, row.user_id)
      const all = gather(this.#everybody, rollupId(row.start, undefined), row, undefined)
      all.users.add(row.user_id)
    }
  }

  /** Each is built when it is taken; not those of users of whom nothing was recorded since then. */
  *docs(since = new Date(0)): Generator<IntervalDoc> {
    for (const [_id, one] of this.#users) {
      if (one.last_recorded_at < since) continue
      const { start, user_id = '' } = one
      yield { _id, scope: 'user', user_id, start, ...figuresOf(one) }
    }
    for (const [_id, all] of this.#everybody)
      yield { _id, scope: 'global', start: all.start, ...figuresOf(all, all.users.size) }
  }
}

export function buildIntervals(rows: readonly LogRow[]): IntervalDoc[] {
  const built = new IntervalDocs()
  built.add(rows)
  return [...built.docs()]
}

/** The day documents that windows add up to; `uniqueUsers` per day for the global ones. */
export function buildDays(
  parts: readonly PartOfDay[],
  uniqueUsers: ReadonlyMap<number, number>,
): DayDoc[] {
  const days = new Map<string, Gathered>()
  for (const part of parts) {
    const date = new Date(floorTo(part.start.getTime(), dayMs))
    const into = open(days, rollupId(date, part.user_id), date, part.user_id)
    for (const cell of part.cells) into.cells.add(cell)
    note(into, part)
  }
  return [...days].map(([_id, gathered]) => {
    const { start: date, user_id } = gathered
    if (user_id !== undefined) return { _id, scope: 'user', user_id, date, ...figuresOf(gathered) }
    const users = uniqueUsers.get(date.getTime()) ?? 0
    return { _id, scope: 'global', date, ...figuresOf(gathered, users) }
  })
}

interface Gathered {
  readonly start: Date
  readonly user_id: string | undefined
  readonly cells: CellSet
  readonly users: Set<string>
  last_activity_at: Date
  last_recorded_at: Date
  price_revisions: number
}

function gather(into: Map<string, Gathered>, id: string, row: LogRow, userId: string | undefined) {
  const gathered = open(into, id, row.start, userId)
  gathered.cells.add(row)
  note(gathered, row)
  return gathered
}

function open(into: Map<string, Gathered>, id: string, start: Date, userId: string | undefined) {
  let gathered = into.get(id)
  if (gathered === undefined) {
    const never = new Date(0)
    gathered = {
      start,
      user_id: userId,
      cells: new CellSet(),
      users: new Set(),
      last_activity_at: never,
      last_recorded_at: never,
      price_revisions: 0,
    }
    into.set(id, gathered)
  }
  return gathered
}

function note(into: Gathered, seen: SeenOfLog) {
  into.price_revisions += seen.price_revisions ?? 0
  if (seen.last_activity_at > into.last_activity_at) into.last_activity_at = seen.last_activity_at
  if (seen.last_recorded_at > into.last_recorded_at) into.last_recorded_at = seen.last_recorded_at
}

function figuresOf(gathered: Gathered, uniqueUsers?: number): RollupFigures {
  return {
    ...totalsOf(gathered.cells.totals()),
    ...(uniqueUsers !== undefined && { unique_users: uniqueUsers }),
    last_activity_at: gathered.last_activity_at,
    last_recorded_at: gathered.last_recorded_at,
    ...(gathered.price_revisions > 0 && { price_revisions: gathered.price_revisions }),
    cells: boundedCells(gathered.cells),
  }
}
