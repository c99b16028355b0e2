import { headerBytes, writeFrame, type FrameKind } from './frame.js'
import type { Slab } from './slab.js'

/** Events that are on disk only, one after the other. Offsets are into the segment (or group). */
export interface Range {
  from: number
  to: number
  count: number
  /** In which they were accepted. */
  readonly epoch: number
  /** When the first was, monotonic ms. */
  readonly at: number
}

/** Where a group was written, as far as a group needs to know. */
export interface Place {
  readonly isGone: boolean
  /** Somebody has removed the file. */
  readonly isLost: boolean
  /** One of what is live there has been acknowledged, or is over. */
  release(): void
}

/**
 * Frames that are written at once: a stretch of a slab. Counts what of it nobody has acknowledged,
 * until it is part of a segment, and then there.
 */
export class Group {
  readonly slab: Slab
  readonly from: number
  to: number
  /** Events held in memory too, and operations that still run. */
  live = 0
  /** Events that are only here. */
  spilled = 0
  readonly ranges: Range[] = []
  /** Where it was written. */
  segment: Place | undefined
  position = 0
  /** It could not be written. */
  isLost = false
  /** Groups that hold starts which this one cancels. */
  readonly cancels: Group[] = []
  startsSpilled = false
  endsSpilled = false
  #frames = 0
  #whenDone: { promise: Promise<void>; done: () => void } | undefined
  #isDone = false

  constructor(slab: Slab, from: number) {
    slab.take()
    this.slab = slab
    this.from = from
    this.to = from
  }

  get bytes(): Buffer {
    return this.slab.bytes.subarray(this.from, this.to)
  }

  get frames(): number {
    return this.#frames
  }

  hasRoom(text: string): boolean {
    return this.to + headerBytes + text.length * 3 <= this.slab.bytes.length
  }

  put(kind: FrameKind, text: string): void {
    this.to = writeFrame(this.slab.bytes, this.to, kind, text)
    this.#frames += 1
  }

  /** An event that stays in memory too. */
  putLive(text: string): void {
    this.put('event', text)
    this.live += 1
    this.endsSpilled = false
  }

  /** An event that is nowhere else. */
  putSpilled(text: string, epoch: number, at: number): void {
    const from = this.to - this.from
    if (this.#frames === 0) this.startsSpilled = true
    this.put('event', text)
    const to = this.to - this.from
    const last = this.ranges.at(-1)
    if (last !== undefined && this.endsSpilled && last.epoch === epoch) {
      last.to = to
      last.count += 1
    } else this.ranges.push({ from, to, count: 1, epoch, at })
    this.spilled += 1
    this.endsSpilled = true
  }

  /** Its bytes are on the disk, or given up: they are not looked at again. To be called once. */
  free(): void {
    this.slab.give()
  }

  /** One of what is live has been acknowledged, or is over. */
  release(): void {
    this.live -= 1
    this.segment?.release()
  }

  /** Resolves when it is on disk, as far as the policy goes, or lost. */
  whenDone(): Promise<void> {
    if (this.#isDone) return Promise.resolve()
    if (this.#whenDone === undefined) {
      let done: () => void = () => undefined
      const promise = new Promise<void>((resolve) => (done = resolve))
      this.#whenDone = { promise, done }
    }
    return this.#whenDone.promise
  }

  get isAwaited(): boolean {
    return this.#whenDone !== undefined && !this.#isDone
  }

  settle(): void {
    this.#isDone = true
    this.#whenDone?.done()
  }
}

/** Groups that follow each other in one slab, together: they can be written at once. */
export function runsOf(groups: readonly Group[]): Group[][] {
  const runs: Group[][] = []
  for (const group of groups) {
    const run = runs.at(-1)
    const last = run?.at(-1)
    if (last?.slab === group.slab && last.to === group.from) run?.push(group)
    else runs.push([group])
  }
  return runs
}
