import { addFigures, CellSet, noFigures, type Figures, type PartOfCell } from '../rollup/cells.js'
import { openFrom } from '../rollup/freshness.js'
import type { LogRow } from '../store/log-rows.js'
import type { Store } from '../store/store.js'
import type { LocalDay, Span } from '../time.js'
import type { Freshness, ReadPlan } from './plan.js'

/** The store as questions see it. */
export type InsightDoor = Pick<
  Store,
  'logs' | 'rows' | 'days' | 'intervals' | 'presence' | 'globalCells' | 'accounts' | 'state'
>

/** A piece of the past: when it began, and what was done in it. */
export interface Slice {
  start: Date
  cells: readonly PartOfCell[]
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

/** Everything one user did in a planned span. */
export async function readSlices(
  store: InsightDoor,
  plan: ReadPlan,
  userId: string,
): Promise<Slice[]> {
  const [days, intervals, rows] = await Promise.all([
    store.days.readUser(plan.days, userId),
    store.intervals.readUser(plan.intervals, userId),
    store.rows.read(plan.log, userId),
  ])
  return [
    ...days.map(({ date, cells }) => ({ start: date, cells })),
    ...intervals.map(({ start, cells }) => ({ start, cells })),
    ...rows.map(sliceOf),
  ]
}

/** What the rollups and the log say of everybody in a planned span, all together. */
export async function globalCells(
  { globalCells: { days, intervals } }: InsightDoor,
  plan: ReadPlan,
  rows: Promise<readonly LogRow[]>,
): Promise<CellSet> {
  const parts = [days.read(plan.days), intervals.readFew(plan.intervals), rows]
  const set = new CellSet()
  for (const part of await Promise.all(parts)) for (const cell of part) set.add(cell)
  return set
}

/** What a row of the log says. */
export function sliceOf(row: LogRow): Slice {
  return { start: row.start, cells: [row] }
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
