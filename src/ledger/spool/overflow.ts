import type { UnrecordedEvent } from '../../event.js'
import type { Epochs } from '../epochs.js'
import type { Batch } from './batch.js'
import { eventOfJson } from './event-json.js'
import type { SpoolFiles } from './files.js'
import { framesIn, isFrame, payloadOf, type Damage, type Frame } from './frame.js'
import type { Range } from './group.js'
import type { Quarantine } from './quarantine.js'
import { readBytes, readFrom } from './segment-bytes.js'
import type { Segment } from './segment.js'
import type { Segments } from './segments.js'

interface Reading {
  readonly segment: Segment
  readonly range: Range
  readonly bytes: Buffer
  readonly frames: Generator<Frame | Damage, void>
  read: number
}

/**
 * Reads back what this process holds on disk only: the newest segment and the oldest in turn, so that
 * what came just before MongoDB did is seen soon, and what waits longest gets on.
 */
export class Overflow {
  readonly #files: SpoolFiles
  readonly #segments: Segments
  readonly #epochs: Epochs
  readonly #quarantine: Quarantine
  readonly #onGone: (count: number) => void
  #reading: Reading | undefined
  #depth = 0
  #isNewestNext = false

  constructor(parts: {
    files: SpoolFiles
    segments: Segments
    epochs: Epochs
    quarantine: Quarantine
    /** So many events were on disk only, and somebody has removed them. */
    onGone: (count: number) => void
  }) {
    this.#files = parts.files
    this.#segments = parts.segments
    this.#epochs = parts.epochs
    this.#quarantine = parts.quarantine
    this.#onGone = parts.onGone
  }

  /** Events that are on disk only. */
  get depth(): number {
    return this.#depth
  }

  /** When the oldest was accepted, monotonic ms; Infinity if there is none. */
  get oldestAt(): number {
    const reading = this.#reading?.range.at
    const waiting = this.#segments.firstSpilled()?.ranges[0]?.at
    return Math.min(reading ?? Infinity, waiting ?? Infinity)
  }

  added(count: number): void {
    this.#depth += count
  }

  /** Gives up what stood in files that somebody has removed; answers how many that were. */
  giveUp(): number {
    const lost = this.#segments.lostSpilled
    this.#depth -= lost
    return lost
  }

  async next(maxEvents: number): Promise<Batch | undefined> {
    const reading = (this.#reading ??= await this.#begin())
    if (reading === undefined) return undefined
    const events: UnrecordedEvent[] = []
    while (events.length < maxEvents) {
      const { value: one } = reading.frames.next()
      if (one === undefined) return this.#end(reading, events)
      if (!isFrame(one)) await this.#damaged(reading, one)
      else if (one.kind === 'event') {
        const event = eventOfJson(payloadOf(reading.bytes, one))
        if (event !== undefined) events.push(event)
      }
    }
    reading.read += events.length
    return this.#batch(reading, events, events.length)
  }

  async #begin(): Promise<Reading | undefined> {
    this.#isNewestNext = !this.#isNewestNext
    const segment = this.#isNewestNext
      ? this.#segments.lastSpilled()
      : this.#segments.firstSpilled()
    const [range] = segment?.ranges ?? []
    if (segment === undefined || range === undefined) return undefined
    // Only what has been read is taken off: a disk that fails now may do better later.
    const { from, to, count } = range
    const bytes = segment.handle
      ? await readFrom(segment.handle, from, to)
      : await readBytes(this.#files, segment.path, from, to)
    const taken = segment.take(range, to, count)
    return { segment, range: taken, bytes, frames: framesIn(bytes), read: 0 }
  }

  /** The last batch of a range answers for what should be there and is not, too. */
  #end(reading: Reading, events: UnrecordedEvent[]): Batch {
    this.#reading = undefined
    reading.read += events.length
    const { range, bytes, read } = reading
    const missing = range.count - read
    // What is damaged is in quarantine; what is not there any more is nowhere.
    if (bytes.length < range.to - range.from && missing > 0) this.#onGone(missing)
    return this.#batch(reading, events, events.length + missing)
  }

  #batch({ segment, range }: Reading, events: UnrecordedEvent[], count: number): Batch {
    const settle = () => {
      this.#depth -= count
      segment.drained(count)
      this.#epochs.settle(range.epoch, count)
    }
    return { events, settle }
  }

  async #damaged({ segment, range, bytes }: Reading, { from, to }: Damage): Promise<void> {
    await this.#quarantine.take(segment.path, range.from + from, bytes.subarray(from, to))
  }
}
