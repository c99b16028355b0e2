import type { FileHandle } from 'node:fs/promises'
import type { Group, Place, Range } from './group.js'

/** A range takes no more beyond this: it is read back as a whole, bytes. */
const rangeBytes = 1024 * 1024

/**
 * What is known of one file of frames. Everything here can be forgotten: the file alone says what to
 * send again.
 */
export class Segment implements Place {
  readonly path: string
  size = 0
  /** Events held in memory too, and running operations, that nobody has acknowledged. */
  live = 0
  /** Events that are only here. */
  spilled = 0
  frames = 0
  /** Where those are, oldest first; known once the bytes can be relied on. */
  readonly ranges: Range[] = []
  /** Segments that must go first: they hold starts that are cancelled here. */
  readonly pins = new Set<Place>()
  readonly openedAt: number
  /** To read it by, also when it has been moved or removed. */
  handle: FileHandle | undefined
  /** Nothing more is written to it. */
  isSealed = false
  isGone = false
  isLost = false
  #endsSpilled = false
  readonly #onRelease: (segment: Segment) => void

  constructor(path: string, openedAt: number, onRelease: (segment: Segment) => void) {
    this.path = path
    this.openedAt = openedAt
    this.#onRelease = onRelease
  }

  /** All that it holds has reached MongoDB, or is over. */
  get isDone(): boolean {
    return this.live === 0 && this.spilled === 0 && this.pins.size === 0
  }

  /** Takes over the counts of a group that has been written to it. */
  place(group: Group): void {
    group.segment = this
    group.position = this.size
    this.size += group.to - group.from
    this.frames += group.frames
    this.live += group.live
    this.spilled += group.spilled
    for (const { segment } of group.cancels) {
      if (segment !== undefined && segment !== this && !segment.isGone) this.pins.add(segment)
    }
  }

  /** Gives them back: the bytes cannot be relied on. */
  displace(group: Group): void {
    group.segment = undefined
    this.live -= group.live
    this.spilled -= group.spilled
  }

  /** The bytes can be relied on: what is only here may be read from here. */
  settle(group: Group): void {
    const [first] = group.ranges
    const last = this.ranges.at(-1)
    const follows = this.#endsSpilled && group.startsSpilled
    const joins = first !== undefined && follows && sizeOf(last) < rangeBytes
    for (const range of group.ranges) {
      const from = range.from + group.position
      const to = range.to + group.position
      if (joins && range === first && last?.epoch === range.epoch) {
        last.to = to
        last.count += range.count
      } else this.ranges.push({ ...range, from, to })
    }
    if (group.frames > 0) this.#endsSpilled = group.endsSpilled
  }

  /** Takes the beginning of the first range off, which may have grown since. */
  take(first: Range, to: number, count: number): Range {
    if (first.to === to) {
      this.ranges.shift()
      return first
    }
    const taken = { ...first, to, count }
    first.from = to
    first.count -= count
    return taken
  }

  release(): void {
    this.live -= 1
    if (this.live <= 0) this.#onRelease(this)
  }

  /** So many of those that are only here have reached MongoDB. */
  drained(count: number): void {
    this.spilled -= count
    if (this.spilled <= 0) this.#onRelease(this)
  }
}

function sizeOf(range: Range | undefined): number {
  return range === undefined ? 0 : range.to - range.from
}
