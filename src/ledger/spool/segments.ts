import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../clock.js'
import type { SpoolFiles } from './files.js'
import { Segment } from './segment.js'

export const segmentSuffix = '.log'

/** `000042-1767225600000.log`: its number in the directory, and when it was begun, epoch ms. */
export function segmentName(number: number, now: number): string {
  return `${String(number).padStart(6, '0')}-${now}${segmentSuffix}`
}

/** Orders names of segments as they were begun. */
export function byNumber(one: string, other: string): number {
  return Number.parseInt(one, 10) - Number.parseInt(other, 10) || (one < other ? -1 : 1)
}

/** When a segment was begun, by its name, epoch ms. */
export function begunAt(name: string): number | undefined {
  const at = /-(\d{10,15})\.log$/.exec(name)?.[1]
  return at === undefined ? undefined : Number(at)
}

/** The segments of this process that hold something still, oldest first. */
export class Segments {
  readonly #files: SpoolFiles
  readonly #clock: Clock
  readonly #directory: string
  readonly #all = new Set<Segment>()
  readonly #removing = new Set<Promise<void>>()
  #count = 0
  #bytes = 0

  constructor(files: SpoolFiles, clock: Clock, directory: string) {
    this.#files = files
    this.#clock = clock
    this.#directory = directory
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#bytes
  }

  grew(bytes: number): void {
    this.#bytes += bytes
  }

  get count(): number {
    return this.#all.size
  }

  create(): Segment {
    this.#count += 1
    const name = segmentName(this.#count, this.#clock.now())
    const path = join(this.#directory, name)
    const segment = new Segment(path, this.#clock.elapsed(), this.dropIfDone)
    this.#all.add(segment)
    return segment
  }

  /** The oldest that has events which are only there, and may be read. */
  firstSpilled(): Segment | undefined {
    for (const segment of this.#all) if (segment.ranges.length > 0) return segment
    return undefined
  }

  /** The newest of those. */
  lastSpilled(): Segment | undefined {
    let last: Segment | undefined
    for (const segment of this.#all) if (segment.ranges.length > 0) last = segment
    return last
  }

  /** Somebody has removed the files that are not written to any more: only what is open can be read. */
  lose(andTheOpenOne = false): void {
    for (const segment of this.#all) {
      if (segment.isSealed || andTheOpenOne) segment.isLost = true
    }
  }

  /** Events that are only in files that somebody has removed. */
  get lostSpilled(): number {
    let count = 0
    for (const { isLost, spilled } of this.#all) if (isLost) count += spilled
    return count
  }

  /** Removes a segment to which nothing more is written once all in it is elsewhere. */
  readonly dropIfDone = (segment: Segment): void => {
    if (!segment.isSealed || segment.isGone || !segment.isDone) return
    segment.isGone = true
    const removing = this.#files
      .unlink(segment.path)
      .catch(() => undefined)
      .then(() => close(segment))
    this.#removing.add(removing)
    // It stays counted until it is gone, and those that wait for it stay.
    void removing.then(() => {
      this.#removing.delete(removing)
      this.#all.delete(segment)
      this.#bytes -= segment.size
      for (const other of this.#all) if (other.pins.delete(segment)) this.dropIfDone(other)
    })
  }

  /**
   * Nothing more is written to a segment: one with events which are only there can be read for as long
   * as there are any, whatever becomes of its name. Rejects when it cannot be closed.
   */
  async keepOrClose(segment: Segment, handle: FileHandle): Promise<void> {
    let open = 0
    for (const { isSealed, handle: kept } of this.#all)
      if (isSealed && kept !== undefined) open += 1
    if (segment.spilled > 0 && open < maxOpen) return
    segment.handle = undefined
    await handle.close()
  }

  /** Resolves when what is to be removed has been, and nothing is open. */
  async close(): Promise<void> {
    while (this.#removing.size > 0) await Promise.all(this.#removing)
    for (const segment of this.#all) await close(segment)
  }
}

/** Segments that are kept open to be read, at most: a process has only so many files. */
const maxOpen = 128

async function close(segment: Segment): Promise<void> {
  const { handle } = segment
  segment.handle = undefined
  await handle?.close().catch(() => undefined)
}
