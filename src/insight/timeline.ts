import { addFigures, CellSet, noFigures, type Figures, type PartOfCell } from '../rollup/cells.js'
import { openFrom } from '../rollup/freshness.js'
import type { LogRow } from '../store/log-rows.js'
import type { Store } from '../store/store.js'
import type { LocalDay, Span } from '../time.js'
import type { Freshness, ReadPlan } from './plan.js'

/** The store as questions see it. */
export type InsightDoor = Pick<Store, 'logs' | 'rows' | 'days' | 'intervals' | 'accounts' | 'state'>

/** A piece of the past: when it began, and what was done in it. */
export interface Slice {
  start: Date
  cells: readonly PartOfCell[]
  unique_users?: number
}

/** How far the rollups can be trusted right now. */
export async function freshness(store: InsightDoor): Promise<Freshness> {
  const { watermark, horizon } = await store.state.recent()
  const open = Math.max(openFrom(watermark), horizon.getTime())
  const late = await store.rows.lateWindows(watermark, { from: horizon, to: new Date(open) })
  return {
    openFrom: open,
    horizon: horizon.getTime(),
    lateWindows: late.map((start) => start.getTime()),
  }
}

/** Everything one user (or, without id, everybody) did in a planned span. */
export async function readSlices(
  store: InsightDoor,
  plan: ReadPlan,
  userId: string | undefined,
): Promise<Slice[]> {
  const [rolledUp, rows] = await Promise.all([
    rolledUpSlices(store, plan, userId),
    store.rows.read(plan.log, userId),
  ])
  return [...rolledUp, ...rows.map(sliceOf)]
}

/** What of it is read from the rollups. */
export async function rolledUpSlices(
  store: InsightDoor,
  plan: Omit<ReadPlan, 'log'>,
  userId: string | undefined,
): Promise<Slice[]> {
  const [days, intervals] = await Promise.all([
    userId === undefined
      ? store.days.read(plan.days, 'global')
      : store.days.readUser(plan.days, userId),
    userId === undefined
      ? store.intervals.read(plan.intervals, 'global')
      : store.intervals.readUser(plan.intervals, userId),
  ])
  return [
    ...days.map((doc) => ({ start: doc.date, ...pick(doc) })),
    ...intervals.map((doc) => ({ start: doc.start, ...pick(doc) })),
  ]
}

/** What a row of the log says. */
export function sliceOf(row: LogRow): Slice {
  return { start: row.start, cells: [row] }
}

function pick(doc: { cells: readonly PartOfCell[]; unique_users?: number }): Omit<Slice, 'start'> {
  const { cells, unique_users } = doc
  return { cells, ...(unique_users !== undefined && { unique_users }) }
}

/** All cells of the slices that begin inside a span, together. */
export function sumCells(slices: readonly Slice[], span?: Span): CellSet {
  const set = new CellSet()
  for (const { start, cells } of slices) {
    if (span && (start < span.from || start >= span.to)) continue
    for (const cell of cells) set.add(cell)
  }
  return set
}

/** Figures of each calendar day, in order; slices must not cross midnights. */
export function perDay(slices: readonly Slice[], days: readonly LocalDay[]): Map<string, Figures> {
  const figures = new Map(days.map((day) => [day.date, noFigures()]))
  const sorted = [...slices].sort((a, b) => a.start.getTime() - b.start.getTime())
  let index = 0
  for (const { start, cells } of sorted) {
    while (index < days.length - 1 && start >= (days[index]?.to ?? start)) index++
    const into = figures.get(days[index]?.date ?? '')
    if (into) for (const cell of cells) addFigures(into, cell)
  }
  return figures
}
