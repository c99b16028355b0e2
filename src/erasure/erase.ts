import { slowWriteMs } from '../rollup/freshness.js'
import { rollupId } from '../rollup/documents.js'
import { recompute, type RollupDoor } from '../rollup/roller.js'
import { aheadOf, type Renaming } from '../store/person-logs.js'
import type { Store } from '../store/store.js'
import { dayMs, floorTo, intervalMs, type Span } from '../time.js'

export type EraseDoor = RollupDoor & Pick<Store, 'persons'>

/** Documents renamed at once. */
const batchSize = 500
const beginning = new Date(0)

/**
 * Puts one name in the place of another, in everything stored that lies before an instant. May be cut
 * off anywhere (`signal` does) and repeated, by several instances at once.
 *
 * Renamed operations are stamped as recorded now, so that readers take their windows from the log and
 * rollers compute them anew. When all are renamed, one operation of each window is stamped once more:
 * whatever a roller has computed while half were renamed saw less than that, and gives way. The old
 * name's rollups are removed (before the horizon, where nothing can be computed any more: renamed).
 */
export async function erase(
  store: EraseDoor,
  renaming: Renaming,
  signal?: AbortSignal,
): Promise<void> {
  const { to, until } = renaming
  let stamp = beginning
  for (let renamed = batchSize; renamed === batchSize;) {
    signal?.throwIfAborted()
    stamp = await store.db.serverNow()
    renamed = await store.persons.logs.rename(renaming, stamp, batchSize)
  }
  const { horizon } = await store.state.progress()
  const windows = await store.persons.logs.windows(to, { from: horizon, to: aheadOf(until) })
  const all = windows.map(({ id }) => id)
  const second = await restamp(store, all, stamp)
  signal?.throwIfAborted()
  // What is dated ahead may lie in the window after, or in the next day.
  const last = (windows.at(-1)?.start.getTime() ?? 0) + intervalMs
  const end = new Date(Math.max(until.getTime(), last))
  await moveRollups(store, { ...renaming, until: end }, horizon)
  await store.totals.forget([renaming.from, to])
  // A roller that found the old name's days still has counted two users for one.
  const byDay = new Map(windows.map(({ id, start }) => [floorTo(start.getTime(), dayMs), id]))
  await restamp(store, [...byDay.values()], second)
  const starts = new Set(windows.map(({ start }) => start.getTime()))
  // The day in which both names have done something is added up for both.
  const rest = { from: until, to: spanAt(end, dayMs).to }
  const own = await store.persons.logs.windows(renaming.from, rest)
  for (const { start } of own) starts.add(start.getTime())
  await recompute(
    store,
    [...starts].map((start) => new Date(start)),
  )
  await store.persons.facts.rename(renaming, () => store.persons.logs.has(renaming.from))
}

/** Whether a name is left where another was put, or has come back: a late event, a roller that was late. */
export async function isLeft(store: EraseDoor, { from, until }: Renaming): Promise<boolean> {
  const { logs, intervals, days, facts } = store.persons
  const window = spanAt(until, intervalMs)
  const day = spanAt(until, dayMs)
  const [anyLog, anyFact, anyInterval, anyDay] = await Promise.all([
    logs.has(from, until),
    facts.has(from, until),
    intervals.some(from, window.from, 1),
    days.some(from, day.from, 1),
  ])
  if (anyLog || anyFact || anyInterval.length > 0 || anyDay.length > 0) return true
  for (const [rollups, widthMs] of [[intervals, intervalMs] as const, [days, dayMs] as const]) {
    for (const span of around(until, widthMs)) {
      if ((await rollups.operationsAt(from, span.from)) > (await logs.count(from, span)))
        return true
    }
  }
  return (await facts.hasAhead(from, until)) && !(await logs.has(from))
}

/** The window or day of an instant, and that of what is dated ahead then where it is another. */
function around(instant: Date, widthMs: number): Span[] {
  const own = spanAt(instant, widthMs)
  const ahead = spanAt(aheadOf(instant), widthMs)
  return own.from < ahead.from ? [own, ahead] : [own]
}

function spanAt(at: Date, widthMs: number): Span {
  const from = floorTo(at.getTime(), widthMs)
  return { from: new Date(from), to: new Date(from + widthMs) }
}

/** Later than `before`, and answers when; again where it took so long that readers may have passed them by. */
async function restamp(store: EraseDoor, ids: readonly string[], before: Date): Promise<Date> {
  let last = before
  for (let at = 0; at < ids.length; at += batchSize) {
    const some = ids.slice(at, at + batchSize)
    for (let isSlow = true; isSlow;) {
      const now = await store.db.serverNow()
      last = new Date(Math.max(now.getTime(), last.getTime() + 1))
      await store.persons.logs.restamp(some, last)
      isSlow = (await store.db.serverNow()).getTime() - now.getTime() >= slowWriteMs
    }
  }
  return last
}

async function moveRollups(store: EraseDoor, renaming: Renaming, horizon: Date): Promise<void> {
  const { from, to, until } = renaming
  const { intervals, days } = store.persons
  for (let count = batchSize; count === batchSize;) {
    const docs = await intervals.some(from, until, batchSize)
    const final = docs.filter(({ start }) => start < horizon)
    const renamed = final.map((doc) => ({ ...doc, _id: rollupId(doc.start, to), user_id: to }))
    await store.intervals.put(renamed)
    await intervals.remove(docs)
    count = docs.length
  }
  for (let count = batchSize; count === batchSize;) {
    const docs = await days.some(from, until, batchSize)
    const final = docs.filter(({ date }) => date < horizon)
    await store.days.put(final.map((doc) => ({ ...doc, _id: rollupId(doc.date, to), user_id: to })))
    await days.remove(docs)
    count = docs.length
  }
}
