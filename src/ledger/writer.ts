import type { UnrecordedEvent, UsageEvent } from '../event.js'
import type { WriteOutcome } from '../store/write-outcome.js'
import { isLate, slowWriteMs } from '../rollup/freshness.js'
import { maxAheadMs } from '../time.js'
import type { BatchResult } from './batch-result.js'
import { mayBeGone, parted, refusing, takeBack, type HorizonDoor } from './horizon.js'

export type { BatchResult }

/** The store as the ledger sees it. */
export interface LedgerDoor extends HorizonDoor {
  serverNow(): Promise<Date>
  append(events: readonly UsageEvent[]): Promise<WriteOutcome>
  restamp(events: readonly UsageEvent[]): Promise<void>
  /** What was in the log before, perhaps by a process that was killed while it wrote. */
  meetAgain(events: readonly UsageEvent[]): Promise<void>
  sighted(events: readonly UsageEvent[]): Promise<void>
}

/** Thrown (as `reason`) when a batch has to be tried again as a whole. */
export type TryResult = { retry: string } | { done: BatchResult }

/** What is known of a batch that may be tried several times. */
export interface Tries {
  /** When it was first sent, by the database's clock. */
  firstTriedAt?: Date
  /** It has events that may have to be taken out again: two tries of it must not run at once. */
  hasOld?: boolean
}

/**
 * Writes one batch once: stamps it, appends it, bisects it when something in it cannot be sent. An
 * earlier try may have been applied without our knowing, under its own older stamp.
 */
export async function writeBatch(
  door: LedgerDoor,
  batch: readonly UnrecordedEvent[],
  tries: Tries,
): Promise<TryResult> {
  let recordedAt: Date
  try {
    recordedAt = await door.serverNow()
  } catch {
    return { retry: 'database clock unknown' }
  }
  tries.firstTriedAt ??= recordedAt
  const events = batch.map((event) => stamp(event, recordedAt))
  const hasOld = events.some(({ late, timestamp }) => late && mayBeGone(timestamp, recordedAt))
  tries.hasOld = hasOld
  if (!hasOld) return write(door, events, tries.firstTriedAt)
  try {
    const { kept, gone } = await parted(door, events)
    const written = await write(door, kept, tries.firstTriedAt, true)
    return 'retry' in written ? written : { done: refusing(written.done, gone) }
  } catch {
    return { retry: 'what is kept of the log is unknown' }
  }
}

async function write(
  door: LedgerDoor,
  events: readonly UsageEvent[],
  firstTriedAt: Date,
  hasOld = false,
): Promise<TryResult> {
  if (events.length === 0) return { done: { stored: 0, duplicates: [], refused: [] } }
  const result = await append(door, events)
  if ('retry' in result) return result
  try {
    await meetAgain(door, events, result.done)
    const wasSlow = await restampWhileSlow(door, events, firstTriedAt)
    await door.sighted(events)
    // The horizon may have passed them by while they were written.
    return hasOld || wasSlow ? { done: await takeBack(door, events, result.done) } : result
  } catch {
    return { retry: 'stored, but not yet in view' }
  }
}

async function meetAgain(
  door: LedgerDoor,
  events: readonly UsageEvent[],
  { duplicates }: BatchResult,
): Promise<void> {
  if (duplicates.length === 0) return
  const ids = new Set(duplicates)
  await door.meetAgain(events.filter(({ _id }) => ids.has(_id)))
}

/** In place: a copy of each would be more than all the rest of it. */
function stamp(event: UnrecordedEvent, recorded_at: Date): UsageEvent {
  const stamped = event as UsageEvent
  stamped.recorded_at = recorded_at
  // The clock of a host may be wrong: nothing is dated further ahead than erasing and rolling up look.
  if (event.timestamp.getTime() - recorded_at.getTime() > maxAheadMs)
    stamped.timestamp = recorded_at
  if (isLate(event.timestamp, recorded_at)) stamped.late = true
  return stamped
}

async function append(door: LedgerDoor, events: readonly UsageEvent[]): Promise<TryResult> {
  const written = await door.append(events)
  switch (written.outcome) {
    case 'settled': {
      const refused = written.refused.flatMap(({ index, code }) => {
        const event = events[index]
        return event ? [{ event, code }] : []
      })
      const stored = events.length - written.duplicates.length - refused.length
      return { done: { stored, duplicates: written.duplicates, refused } }
    }
    case 'poisoned':
      return bisect(door, events, written.code)
    case 'retry':
      return { retry: written.reason }
  }
}

async function bisect(
  door: LedgerDoor,
  events: readonly UsageEvent[],
  code: string,
): Promise<TryResult> {
  const [only] = events
  if (only && events.length === 1) {
    return { done: { stored: 0, duplicates: [], refused: [{ event: only, code }] } }
  }
  const middle = Math.ceil(events.length / 2)
  const left = await append(door, events.slice(0, middle))
  if ('retry' in left) return left
  const right = await append(door, events.slice(middle))
  if ('retry' in right) return right
  return {
    done: {
      stored: left.done.stored + right.done.stored,
      duplicates: [...left.done.duplicates, ...right.done.duplicates],
      refused: [...left.done.refused, ...right.done.refused],
    },
  }
}

/**
 * Moves slow writes to the present, where the roller and the readers look (see freshness.ts). Answers
 * whether it had to.
 */
async function restampWhileSlow(
  door: LedgerDoor,
  events: readonly UsageEvent[],
  stampedAt: Date,
): Promise<boolean> {
  let since = stampedAt
  for (;;) {
    const now = await door.serverNow()
    if (now.getTime() - since.getTime() < slowWriteMs) return since !== stampedAt
    await door.restamp(events)
    since = now
  }
}
