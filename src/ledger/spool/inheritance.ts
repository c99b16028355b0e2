import { setImmediate as turn } from 'node:timers/promises'
import type { UnrecordedEvent } from '../../event.js'
import type { Batch } from './batch.js'
import { diedEvent } from './event-json.js'
import type { SpoolFiles } from './files.js'
import { closeEstate, endOpen, openEstate, takeFrame, type Estate, type Part } from './estate.js'
import { framesIn, isFrame, type Damage, type Frame } from './frame.js'
import type { Quarantine } from './quarantine.js'
import { readAll } from './segment-bytes.js'

interface Reading {
  readonly part: Part
  readonly isLast: boolean
  readonly bytes: Buffer
  readonly frames: Generator<Frame | Damage, void>
}

/** How long counting what was left may hold the event loop in one go, ms. */
const sliceMs = 4

/**
 * Reads what dead processes have left, each as a whole: events are sent again (those that had arrived
 * already count once, by their id), and operations that had begun and have no end become events.
 */
export class Inheritance {
  readonly #files: SpoolFiles
  readonly #quarantine: Quarantine
  readonly #elapsed: () => number
  readonly #estates: Estate[] = []
  /** All that were ever taken in. */
  readonly #known = new Set<string>()
  #reading: Reading | undefined
  #dropping = Promise.resolve()
  #depth = 0
  #died = 0

  constructor(files: SpoolFiles, quarantine: Quarantine, elapsed: () => number) {
    this.#files = files
    this.#quarantine = quarantine
    this.#elapsed = elapsed
  }

  /** Events that wait. */
  get depth(): number {
    return this.#depth
  }

  get bytes(): number {
    return this.#estates.reduce((sum, { parts }) => sum + sizeOf(parts), 0)
  }

  /** When the oldest of what waits was begun, epoch ms. */
  get oldestAt(): number | undefined {
    return this.#estates[0]?.parts[0]?.begunAt
  }

  get isEmpty(): boolean {
    return this.#estates.length === 0
  }

  /** Operations found whose process died before they ended. */
  get died(): number {
    return this.#died
  }

  /** Takes a dead process's directory in, and counts what is there; false if it has it already. */
  async add(directory: string): Promise<boolean> {
    if (this.#known.has(directory)) return false
    const estate = await openEstate(this.#files, directory)
    for (const part of estate.parts) {
      const bytes = await readAll(this.#files, part.path)
      part.size = bytes.length
      let since = this.#elapsed()
      for (const one of framesIn(bytes)) {
        if (isFrame(one) && one.kind === 'event') part.waiting += 1
        if (this.#elapsed() - since < sliceMs) continue
        await turn()
        since = this.#elapsed()
      }
    }
    this.#depth += estate.parts.reduce((sum, { waiting }) => sum + waiting, 0)
    this.#known.add(directory)
    this.#estates.push(estate)
    return true
  }

  async next(maxEvents: number): Promise<Batch | undefined> {
    const [estate] = this.#estates
    if (estate === undefined) return undefined
    const reading = (this.#reading ??= await this.#beginOrPutOff(estate))
    if (reading === undefined) return this.#end(estate)
    const events: UnrecordedEvent[] = []
    while (events.length < maxEvents) {
      const { value: one } = reading.frames.next()
      if (one === undefined) {
        reading.part.isRead = true
        this.#reading = undefined
        break
      }
      if (isFrame(one)) takeFrame(estate, reading.part, reading.bytes, one, events)
      else if (one.kind === 'damaged' || !reading.isLast) await this.#damaged(reading, one)
    }
    return this.#batch(estate, reading.part, events)
  }

  /** A directory that cannot be read now keeps the others from nothing. */
  async #beginOrPutOff(estate: Estate): Promise<Reading | undefined> {
    try {
      return await this.#begin(estate)
    } catch (error) {
      this.#estates.push(...this.#estates.splice(this.#estates.indexOf(estate), 1))
      throw error
    }
  }

  async #begin(estate: Estate): Promise<Reading | undefined> {
    const part = estate.parts.find(({ isRead }) => !isRead)
    if (part === undefined) return undefined
    const bytes = await readAll(this.#files, part.path)
    return { part, isLast: part === estate.parts.at(-1), bytes, frames: framesIn(bytes) }
  }

  #batch(estate: Estate, part: Part, events: UnrecordedEvent[]): Batch {
    const counted = Math.min(events.length, part.waiting)
    part.waiting -= counted
    part.sent += events.length
    const settle = async () => {
      part.sent -= events.length
      this.#depth -= counted
      await this.#dropDone(estate)
    }
    return { events, settle }
  }

  /** Everything has been read: what began and did not end is sent last, then nothing is left. */
  #end(estate: Estate): Batch | undefined {
    if (estate.isEnding) return undefined
    estate.isEnding = true
    const events = [...estate.open.values()].flatMap(({ facts }) => diedEvent(facts) ?? [])
    this.#died += events.length
    this.#depth += events.length
    const settle = async () => {
      this.#depth -= events.length
      endOpen(estate)
      await this.#dropDone(estate)
    }
    return { events, settle }
  }

  /** Removes the directories of which all is elsewhere, for one who will read no more. */
  async finish(): Promise<void> {
    for (const estate of [...this.#estates]) {
      if (estate.open.size > 0 || !estate.parts.every(({ isRead }) => isRead)) continue
      estate.isEnding = true
      await this.#dropDone(estate)
    }
    await this.#dropping
  }

  /** One after the other: a directory goes when what was in it has gone. */
  #dropDone(estate: Estate): Promise<void> {
    this.#dropping = this.#dropping.then(() => this.#drop(estate))
    return this.#dropping
  }

  /** Removes segments, oldest first, of which all is elsewhere; at last the directory. */
  async #drop(estate: Estate): Promise<void> {
    for (let [part] = estate.parts; part !== undefined; [part] = estate.parts) {
      if (!part.isRead || part.sent > 0 || part.open > 0) return
      // Whatever could not be read again is not waited for.
      this.#depth -= part.waiting
      estate.parts.shift()
      await this.#files.unlink(part.path).catch(() => undefined)
    }
    if (!estate.isEnding || estate.open.size > 0 || !this.#estates.includes(estate)) return
    await closeEstate(this.#files, estate)
    const at = this.#estates.indexOf(estate)
    if (at !== -1) this.#estates.splice(at, 1)
  }

  async #damaged({ part, bytes }: Reading, { from, to }: Damage): Promise<void> {
    await this.#quarantine.take(part.path, from, bytes.subarray(from, to))
  }
}

function sizeOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { size }) => sum + size, 0)
}
