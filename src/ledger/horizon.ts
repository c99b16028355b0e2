import type { UsageEvent } from '../event.js'
import { dayMs } from '../time.js'
import type { BatchResult } from './batch-result.js'

/** Logs younger than this are never deleted (see option `retention`), ms: they need no looking up. */
const alwaysKeptMs = 35 * dayMs

/** Why an event is put aside that comes when the logs of its day may be gone. */
export const beyondRetention = 'beyond_retention'

/** The store as it is used here. */
export interface HorizonDoor {
  /** Before this the rollups are all there is: what is recorded then is in no answer. */
  horizon(): Promise<Date>
  /** Takes events out of the log again. */
  withdraw(events: readonly UsageEvent[]): Promise<void>
}

/** Whether the log of an operation's day may be gone already. */
export function mayBeGone(timestamp: Date, now: Date): boolean {
  return now.getTime() - timestamp.getTime() > alwaysKeptMs
}

/** Parts those before the horizon from the others: in no answer would they count. */
export async function parted(door: HorizonDoor, events: readonly UsageEvent[]) {
  const horizon = await door.horizon()
  return {
    kept: events.filter(({ timestamp }) => timestamp >= horizon),
    gone: events.filter(({ timestamp }) => timestamp < horizon),
  }
}

/** The result of a batch of which some were not even sent. */
export function refusing(done: BatchResult, gone: readonly UsageEvent[]): BatchResult {
  return { ...done, refused: [...done.refused, ...gone.map(putAside)] }
}

/**
 * Looks again, after the writing, whether the horizon has passed what was written. What it has passed
 * may be in the rollups or not: it is put aside, where a person can tell, and never counts twice.
 */
export async function takeBack(
  door: HorizonDoor,
  events: readonly UsageEvent[],
  done: BatchResult,
): Promise<BatchResult> {
  const { gone } = await parted(door, events)
  if (gone.length === 0) return done
  await door.withdraw(gone)
  const ids = new Set(gone.map(({ _id }) => _id))
  const duplicates = done.duplicates.filter((id) => !ids.has(id))
  const wasRefused = new Set(done.refused.map(({ event }) => event._id))
  const more = gone.filter(({ _id }) => !wasRefused.has(_id))
  const stored = done.stored - (more.length - (done.duplicates.length - duplicates.length))
  return refusing({ ...done, stored, duplicates }, more)
}

function putAside(event: UsageEvent) {
  return { event, code: beyondRetention }
}
