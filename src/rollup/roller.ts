import { setImmediate as turn } from 'node:timers/promises'
import type { LogRow } from '../store/log-rows.js'
import type { Store } from '../store/store.js'
import { dayMs, floorTo, intervalMs, type Span } from '../time.js'
import { putAccountTotals } from './account-totals.js'
import { buildDays, IntervalDocs } from './build.js'
import type { IntervalDoc } from './documents.js'
import type { ClockSteps } from './clock-steps.js'
import { overlapMs } from './freshness.js'

/** The store as the roller sees it. */
export type RollupDoor = Pick<
  Store,
  'rows' | 'days' | 'intervals' | 'windowSums' | 'totals' | 'state'
> & {
  readonly db: Pick<Store['db'], 'serverNow'>
}

/** What a run did. */
export interface RollupReport {
  windows: number
  days: number
}

/** Recomputing may read a lot; a run is bounded all the same. */
const deadlineMs = 120_000

/**
 * A watermark that lies ahead is of a time when the database's clock did: what was recorded since then has
 * been seen by nobody. The same where the clock was put back by less than the time between two runs, as
 * whoever runs again notices. It is found out with the next run, so that this is long enough.
 */
const setBackMs = dayMs

/** Rows and documents that are worked on in one turn of the event loop. */
const atOnce = 100

const noUsers: ReadonlyMap<number, number> = new Map()

/** Each is a query of its own, whose rows come at once. */
const windowsAtOnce = 2

/**
 * Brings the rollups up to date: recomputes, from the log, every window that an event recorded
 * since the last run may have touched. Running it again, late, or on several instances at once
 * changes nothing: documents are functions of the log, and none gives way to one that saw less.
 * Windows whose logs may be gone are left as they are.
 */
export async function rollUp(store: RollupDoor, steps?: ClockSteps): Promise<RollupReport> {
  const began = await store.db.serverNow()
  const { watermark, horizon } = await store.state.progress()
  const isAhead = watermark > began || steps?.hasGoneBack(began) === true
  const since = isAhead ? new Date(began.getTime() - setBackMs) : watermark
  const windows = await store.rows.touchedWindows(since, horizon)
  const touched = await recompute(store, windows, since)
  const reached = new Date(began.getTime() - overlapMs)
  await store.state.advance(reached, isAhead ? reached : undefined)
  steps?.note(began)
  return { windows: windows.length, days: touched }
}

/**
 * Recomputes windows and the days they belong to; answers how many days. Users of whom nothing there was
 * recorded since an instant are left as they are: by default nobody is.
 */
export async function recompute(
  store: RollupDoor,
  windows: readonly Date[],
  since = new Date(0),
): Promise<number> {
  const usersByDay = new Map<number, Set<string>>()
  const firstSeen = new Map<string, Date>()
  for (let i = 0; i < windows.length; i += windowsAtOnce) {
    const rows = await rowsOf(store, windows.slice(i, i + windowsAtOnce))
    await putIntervals(store, rows, since)
    const touched = touchedSince(rows, since)
    noteFirst(firstSeen, touched)
    for (const { start, user_id } of touched) {
      const day = floorTo(start.getTime(), dayMs)
      usersByDay.set(day, (usersByDay.get(day) ?? new Set<string>()).add(user_id))
    }
  }
  for (const [day, users] of usersByDay) await putDay(store, day, [...users])
  await putAccountTotals(store, firstSeen)
  return usersByDay.size
}

/** The rows of each user and window of which one was recorded since then. */
function touchedSince(rows: readonly LogRow[], since: Date): LogRow[] {
  const idOf = ({ start, user_id }: LogRow) => `${start.getTime()} ${user_id}`
  const recent = rows.filter((row) => row.last_recorded_at >= since)
  const touched = new Set(recent.map(idOf))
  return rows.filter((row) => touched.has(idOf(row)))
}

async function rowsOf(store: RollupDoor, starts: readonly Date[]): Promise<LogRow[]> {
  const spans = starts.map((from) => ({ from, to: new Date(from.getTime() + intervalMs) }))
  return store.rows.read(spans, undefined, deadlineMs)
}

/** A part in each turn of the event loop: the host's requests do not wait for the whole. */
async function putIntervals(
  store: RollupDoor,
  rows: readonly LogRow[],
  since: Date,
): Promise<void> {
  const built = new IntervalDocs()
  for (let i = 0; i < rows.length; i += atOnce) {
    built.add(rows.slice(i, i + atOnce))
    await turn()
  }
  let some: IntervalDoc[] = []
  for (const doc of built.docs(since)) {
    some.push(doc)
    if (some.length < atOnce) continue
    await store.intervals.put(some)
    some = []
  }
  await store.intervals.put(some)
}

async function putDay(store: RollupDoor, day: number, users: readonly string[]): Promise<void> {
  const span = daySpan(day)
  for (let i = 0; i < users.length; i += atOnce) {
    const some = { user_ids: users.slice(i, i + atOnce) }
    const sums = await store.windowSums.read(span, some, deadlineMs)
    await store.days.put(buildDays(sums, noUsers))
  }
  const sums = await store.windowSums.read(span, 'global', deadlineMs)
  const count = await store.days.userCount(span)
  await store.days.put(buildDays(sums, new Map([[day, count]])))
}

/** Keeps the earliest operation of each user among rows. */
export function noteFirst(into: Map<string, Date>, rows: readonly LogRow[]): void {
  for (const { user_id, first_activity_at } of rows) {
    const known = into.get(user_id)
    if (known === undefined || first_activity_at < known) into.set(user_id, first_activity_at)
  }
}

export function daySpan(day: number): Span {
  return { from: new Date(day), to: new Date(day + dayMs) }
}
