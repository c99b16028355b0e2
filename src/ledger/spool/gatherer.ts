import { Group } from './group.js'
import { headerBytes } from './frame.js'
import { Slabs, type Slab } from './slab.js'

/** Written at once at most. */
const groupBytes = 256 * 1024

/** Gathers frames into groups, in memory that is used from one end to the other. */
export class Gatherer {
  readonly #slabs = new Slabs()
  #slab: Slab | undefined
  #used = 0
  #current: Group | undefined
  #full: Group[] = []
  #fullBytes = 0

  /** Bytes that wait to be written. */
  get bytes(): number {
    return this.#fullBytes + (this.#current === undefined ? 0 : this.#sizeOf(this.#current))
  }

  /** The group that takes this text next. */
  groupFor(text: string): Group {
    const current = this.#current
    if (current !== undefined) {
      if (this.#sizeOf(current) < groupBytes && current.hasRoom(text)) return current
      this.#close(current)
    }
    const needed = headerBytes + text.length * 3
    if (this.#slab === undefined || this.#used + needed > this.#slab.bytes.length) {
      this.#slab?.close()
      this.#slab = this.#slabs.next(needed)
      this.#used = 0
    }
    this.#current = new Group(this.#slab, this.#used)
    return this.#current
  }

  /** The group that was begun last, if it still waits. */
  get last(): Group | undefined {
    return this.#current ?? this.#full.at(-1)
  }

  /** All that waits, oldest first. */
  take(): Group[] {
    if (this.#current !== undefined) this.#close(this.#current)
    const taken = this.#full
    this.#full = []
    this.#fullBytes = 0
    return taken
  }

  #close(group: Group): void {
    this.#current = undefined
    this.#used = group.to
    this.#full.push(group)
    this.#fullBytes += this.#sizeOf(group)
  }

  #sizeOf(group: Group): number {
    return group.to - group.from
  }
}
