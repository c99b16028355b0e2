import { isDeepStrictEqual } from 'node:util'
import type { LogRow } from '../store/log-rows.js'
import { ceilTo, dayMs, floorTo, type Span } from '../time.js'
import { putAccountTotals } from './account-totals.js'
import { buildDays, buildIntervals } from './build.js'
import type { DayDoc, IntervalDoc } from './documents.js'
import { openFrom, overlapMs } from './freshness.js'
import { daySpan, noteFirst, recompute, type RollupDoor } from './roller.js'

/** Rebuilding reads whole days of log. */
const deadlineMs = 300_000

/** Days are held in memory while they are rebuilt; several hide the wait for the journal. */
const daysAtOnce = 3

/** What rebuilding or verifying one UTC day found. */
export interface DayResult {
  date: Date
  documents: number
  /** `<collection> <_id>: missing`, `stray` or `different`, one each. */
  differences: string[]
}

/** The UTC days that a span touches. */
export function utcDays({ from, to }: Span): number[] {
  const days: number[] = []
  const end = ceilTo(to.getTime(), dayMs)
  for (let day = floorTo(from.getTime(), dayMs); day < end; day += dayMs) days.push(day)
  return days
}

/**
 * Recomputes the rollups of UTC days, tells of each, and brings all other days up to date, so that
 * the roller's next run has little to do. Days whose logs may be gone are left as they are, and not
 * told of. Safe beside running rollers and writers.
 */
export async function rebuildDays(
  store: RollupDoor,
  asked: readonly number[],
  onDay: (result: DayResult) => void = () => undefined,
): Promise<void> {
  const seen = new Date((await store.db.serverNow()).getTime() - overlapMs)
  const { watermark: since, horizon } = await store.state.progress()
  const days = asked.filter((day) => day >= horizon.getTime())
  const firstSeen = new Map<string, Date>()
  for (let i = 0; i < days.length; i += daysAtOnce) {
    const some = days.slice(i, i + daysAtOnce).map((day) => replaceDay(store, day))
    for (const { rows, ...result } of await Promise.all(some)) {
      noteFirst(firstSeen, rows)
      onDay(result)
    }
  }
  await putAccountTotals(store, firstSeen, true)
  await catchUp(store, { since, seen, horizon, rebuilt: new Set(days) })
}

interface Rebuilt {
  /** The watermark before. */
  since: Date
  /** What was recorded before this has been seen by the rebuilding. */
  seen: Date
  horizon: Date
  rebuilt: ReadonlySet<number>
}

async function catchUp(store: RollupDoor, done: Rebuilt): Promise<void> {
  const { since, seen, horizon, rebuilt } = done
  const older = since < seen ? await store.rows.touchedWindows(since, horizon) : []
  const elsewhere = older.filter((start) => !rebuilt.has(floorTo(start.getTime(), dayMs)))
  // A roller may have put in place what arrived after we had read a day, and we have replaced it.
  const recent = await store.rows.touchedWindows(seen, horizon)
  const starts = new Set([...elsewhere, ...recent].map((start) => start.getTime()))
  const windows = [...starts].map((start) => new Date(start))
  await recompute(store, windows)
  await store.state.advance(seen)
}

async function replaceDay(store: RollupDoor, day: number): Promise<DayResult & { rows: LogRow[] }> {
  const span = daySpan(day)
  const { rows, intervals, days } = await rollupsOf(store, span)
  await store.intervals.replace(intervals)
  await store.days.replace(days)
  const strayIntervals = await store.intervals.removeOthers(span, idsOf(intervals))
  const strayDays = await store.days.removeOthers(span, idsOf(days))
  const differences = [
    ...strayIntervals.map((id) => told('usage_intervals', id, 'stray')),
    ...strayDays.map((id) => told('daily_stats', id, 'stray')),
  ]
  return { date: span.from, documents: intervals.length + days.length, differences, rows }
}

/**
 * Compares the rollups of one UTC day with what the log says now. Time that is still open, and
 * windows that late events are about to change, are left out, and so are days whose logs may be gone.
 */
export async function verifyDay(store: RollupDoor, day: number): Promise<DayResult> {
  const first = await compareDay(store, day)
  // A roller at work may have changed the day between our two reads: only what stays is a fault.
  if (first.differences.length === 0) return first
  const second = await compareDay(store, day)
  const again = new Set(second.differences)
  return { ...second, differences: first.differences.filter((id) => again.has(id)) }
}

async function compareDay(store: RollupDoor, day: number): Promise<DayResult> {
  const span = daySpan(day)
  const { watermark } = await store.state.recent()
  const open = new Date(openFrom(watermark))
  const late = await store.rows.lateWindows(watermark, { from: span.from, to: open })
  const dirty = new Set(late.map((start) => start.getTime()))
  const isClosed = (start: Date) => start < open && !dirty.has(start.getTime())
  const dayIsClosed =
    span.to <= open && !late.some((start) => start >= span.from && start < span.to)
  const stored = {
    intervals: await store.intervals.read([span], 'all', deadlineMs),
    days: await store.days.read([span], 'all', deadlineMs),
  }
  const built = await rollupsOf(store, span)
  // Deleting may have begun while we read.
  const { horizon } = await store.state.progress()
  if (span.from < horizon) return { date: span.from, documents: 0, differences: [] }
  const differences = [
    ...differing(
      'usage_intervals',
      stored.intervals.filter((doc) => isClosed(doc.start)),
      built.intervals.filter((doc) => isClosed(doc.start)),
    ),
    ...(dayIsClosed ? differing('daily_stats', stored.days, built.days) : []),
  ]
  const documents = stored.intervals.length + stored.days.length
  return { date: span.from, documents, differences }
}

/** The rollups of a UTC day as the log says. */
export async function rollupsOf(store: Pick<RollupDoor, 'rows'>, span: Span) {
  const rows = await store.rows.read([span], undefined, deadlineMs)
  const intervals = buildIntervals(rows)
  const users = new Set(rows.map((row) => row.user_id))
  return {
    rows,
    intervals,
    days: buildDays(intervals, new Map([[span.from.getTime(), users.size]])),
  }
}

function differing<T extends DayDoc | IntervalDoc>(
  collection: string,
  stored: readonly T[],
  built: readonly T[],
): string[] {
  const expected = new Map(built.map((doc) => [doc._id, doc]))
  const found = idsOf(stored)
  const name = (doc: T, fault: string) => told(collection, doc._id, fault)
  return [
    ...stored.flatMap((doc) => {
      const right = expected.get(doc._id)
      if (right === undefined) return name(doc, 'stray')
      return same(doc, right) ? [] : name(doc, 'different')
    }),
    ...built.filter((doc) => !found.has(doc._id)).map((doc) => name(doc, 'missing')),
  ]
}

function told(collection: string, id: string, fault: string): string {
  return `${collection} ${id}: ${fault}`
}

/** Equal in content and in the order of fields: what is stored is the same bytes. */
function same(a: object, b: object): boolean {
  return isDeepStrictEqual(a, b) && JSON.stringify(a) === JSON.stringify(b)
}

function idsOf(docs: readonly { _id: string }[]): Set<string> {
  return new Set(docs.map((doc) => doc._id))
}
