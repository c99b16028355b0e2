import { join } from 'node:path'
import type { UnrecordedEvent } from '../../event.js'
import { layout } from './directory.js'
import { eventOfJson, idOfJson } from './event-json.js'
import type { SpoolFiles } from './files.js'
import { payloadOf, type Frame } from './frame.js'
import { maxSegmentBytes } from './segment-bytes.js'
import { begunAt, byNumber, segmentSuffix } from './segments.js'

/** A segment that a dead process has left. */
export interface Part {
  readonly path: string
  readonly begunAt: number | undefined
  /** Bytes. */
  size: number
  /** Events in it that have not been handed on. */
  waiting: number
  /** Events that have been handed on and are not settled. */
  sent: number
  /** Operations that began in it and have not ended so far. */
  open: number
  isRead: boolean
}

/** What a dead process has left. */
export interface Estate {
  readonly directory: string
  /** Oldest first, without those that are done with. */
  readonly parts: Part[]
  /** Operations that have begun and not ended, by id. */
  readonly open: Map<string, { readonly facts: unknown; readonly part: Part }>
  /** All has been read, and what was open then is on its way. */
  isEnding: boolean
}

export async function openEstate(files: SpoolFiles, directory: string): Promise<Estate> {
  const names = (await files.readdir(directory)).filter((name) => name.endsWith(segmentSuffix))
  const parts: Part[] = []
  for (const name of names.sort(byNumber)) {
    const path = join(directory, name)
    const { size } = await files.stat(path)
    if (size > maxSegmentBytes) continue
    const counts = { size, waiting: 0, sent: 0, open: 0, isRead: false }
    parts.push({ path, begunAt: begunAt(name), ...counts })
  }
  return { directory, parts, open: new Map(), isEnding: false }
}

/** Takes what a frame says; an event is added to `events`. */
export function takeFrame(
  { open }: Estate,
  part: Part,
  bytes: Buffer,
  frame: Frame,
  events: UnrecordedEvent[],
): void {
  const payload = payloadOf(bytes, frame)
  const id = idOfJson(payload)
  if (id === undefined) return
  const known = open.get(id)
  if (frame.kind === 'start') {
    if (known !== undefined) return
    open.set(id, { facts: payload, part })
    part.open += 1
    return
  }
  if (known !== undefined) {
    open.delete(id)
    known.part.open -= 1
  }
  const event = frame.kind === 'event' ? eventOfJson(payload) : undefined
  if (event === undefined) return
  event.late = true
  events.push(event)
}

/** What was open is dealt with. */
export function endOpen(estate: Estate): void {
  estate.open.clear()
  for (const part of estate.parts) part.open = 0
}

/** Removes the directory, unless something is in it that is none of ours. */
export async function closeEstate(files: SpoolFiles, { directory }: Estate): Promise<void> {
  const names = await files.readdir(directory).catch(() => [])
  for (const name of names) {
    if (name.startsWith(layout.owner)) {
      await files.unlink(join(directory, name)).catch(() => undefined)
    }
  }
  await files.rmdir(join(directory, layout.adopted)).catch(() => undefined)
  await files.rmdir(directory).catch(() => undefined)
}
