import { setTimeout as sleep } from 'node:timers/promises'
import { openFrom } from '../rollup/freshness.js'
import { rollupsOf } from '../rollup/rebuild.js'
import { daySpan, type RollupDoor } from '../rollup/roller.js'
import type { DayDoc, IntervalDoc } from '../rollup/documents.js'
import { stateReuseMs } from '../store/state-store.js'
import type { Store } from '../store/store.js'
import { dayMs, floorTo } from '../time.js'

export type RetentionDoor = RollupDoor &
  Pick<Store, 'retention'> & { readonly erasures: Pick<Store['erasures'], 'isAnyPending'> }

export interface RetainOptions {
  readonly logsDays: number
  readonly signal: AbortSignal
  /** Monotonic ms. */
  readonly elapsed: () => number
  /** How long readers that have just planned may still read the log, ms. */
  readonly settleMs?: number
}

/** What a run did. */
export interface RetentionReport {
  /** Logs before this may be gone. */
  horizon: Date
  days: number
  deleted: number
}

/** Logs deleted at once: a few ms of the database's time. */
const batchSize = 500
/** Deleting takes this part of the time at most: the rest is for others. */
const share = 1 / 4
const minPauseMs = 5

/**
 * Deletes the raw logs of whole UTC days that are older than `logsDays`, in this order, each step
 * durable before the next, so that a crash anywhere is made up by the next run of any instance:
 *
 * 1. The horizon moves, over days whose every operation is in the rollups, and not while somebody is being
 *    erased: a day must not become final under two names of one person. From then on readers take
 *    the rollups there, and rollers, rebuilding, repricing and late events leave those days alone.
 * 2. A day's rollups are marked as final and computed once more, for who began before that. What is
 *    final gives way to nothing, so that one who has read half-deleted logs changes nothing.
 * 3. The day is noted as final, and its logs are deleted.
 */
export async function retain(
  store: RetentionDoor,
  options: RetainOptions,
): Promise<RetentionReport> {
  const { signal, settleMs = 2 * stateReuseMs + 5_000 } = options
  const horizon = await moveHorizon(store, options.logsDays)
  const report: RetentionReport = { horizon, days: 0, deleted: 0 }
  const oldest = await store.retention.oldest(horizon)
  if (oldest === undefined) return report
  await pause(settleMs, signal)
  for (let day = floorTo(oldest.getTime(), dayMs); day < horizon.getTime(); day += dayMs) {
    if (signal.aborted) return report
    const { sealedTo } = await store.state.progress()
    if (day >= sealedTo.getTime()) await seal(store, day)
    report.deleted += await deleteBefore(store, new Date(day + dayMs), options)
    report.days += 1
  }
  return report
}

/** Days that are old enough, and in the rollups with all that was ever recorded of them. */
async function moveHorizon(store: RetentionDoor, logsDays: number): Promise<Date> {
  const now = await store.db.serverNow()
  const { watermark, horizon } = await store.state.progress()
  const old = floorTo(now.getTime() - logsDays * dayMs, dayMs)
  const closed = new Date(Math.min(old, floorTo(openFrom(watermark), dayMs)))
  if (closed <= horizon) return horizon
  const [late] = await store.rows.lateWindows(watermark, { from: horizon, to: closed })
  const next = late === undefined ? closed : new Date(floorTo(late.getTime(), dayMs))
  if (next <= horizon || (await store.erasures.isAnyPending())) return horizon
  await store.state.advanceHorizon(next)
  return next
}

async function seal(store: RetentionDoor, day: number): Promise<void> {
  const span = daySpan(day)
  await store.intervals.seal(span)
  await store.days.seal(span)
  const { intervals, days } = await rollupsOf(store, span)
  await store.intervals.put(intervals.map((doc): IntervalDoc => ({ ...doc, sealed: true })))
  await store.days.put(days.map((doc): DayDoc => ({ ...doc, sealed: true })))
  await store.state.advanceSealed(span.to)
}

async function deleteBefore(
  store: RetentionDoor,
  before: Date,
  { signal, elapsed }: RetainOptions,
): Promise<number> {
  for (let deleted = 0; ;) {
    const began = elapsed()
    const some = signal.aborted ? 0 : await store.retention.deleteSome(before, batchSize)
    deleted += some
    if (some < batchSize) return deleted
    await pause(Math.max(minPauseMs, (elapsed() - began) * (1 / share - 1)), signal)
  }
}

/** Waits so long, or until it is told to stop. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined)
}
