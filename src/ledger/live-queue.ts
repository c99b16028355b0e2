import type { UnrecordedEvent } from '../event.js'
import type { Group } from './spool/group.js'

/** An event in memory. */
export interface Entry {
  readonly event: UnrecordedEvent
  readonly epoch: number
  /** When it was accepted, monotonic ms. */
  readonly at: number
  /** Where it is on disk too. */
  group: Group | undefined
}

/** Events in memory when there is a disk for the rest. */
const maxBeforeSpill = 4_000

/** Accepted events that go to MongoDB first come, first served. */
export class LiveQueue {
  #queue: Entry[] = []
  #writing: readonly Entry[] = []
  readonly #spillAt: number
  #isSpilling = false

  constructor(maxEvents: number, hasDisk: boolean) {
    this.#spillAt = hasDisk ? Math.min(maxEvents, maxBeforeSpill) : Infinity
  }

  get length(): number {
    return this.#queue.length
  }

  /** Events in memory, those just being written included. */
  get size(): number {
    return this.#queue.length + this.#writing.length
  }

  get oldestAt(): number | undefined {
    return (this.#writing[0] ?? this.#queue[0])?.at
  }

  /** New events go to the disk only: from when there are many until there are half as many. */
  get isSpilling(): boolean {
    const { size } = this
    if (size >= this.#spillAt) this.#isSpilling = true
    else if (size <= this.#spillAt / 2) this.#isSpilling = false
    return this.#isSpilling
  }

  push(entry: Entry): void {
    this.#queue.push(entry)
  }

  take(count: number): readonly Entry[] {
    this.#writing = this.#queue.splice(0, count)
    return this.#writing
  }

  /** What was taken is through. */
  done(): void {
    this.#writing = []
  }

  /** Puts on disk what is in memory only, as far as the disk takes it. */
  spool(append: (event: UnrecordedEvent) => Group | undefined): void {
    for (const entry of [...this.#writing, ...this.#queue]) {
      const { group } = entry
      if (group !== undefined && !group.isLost && group.segment?.isLost !== true) continue
      entry.group = append(entry.event)
      group?.release()
    }
  }

  /** Gives up those that are not on disk; answers how many. */
  giveUp(): number {
    const before = this.size
    const isKept = ({ group }: Entry) => group?.segment?.isLost === false
    this.#writing = this.#writing.filter(isKept)
    this.#queue = this.#queue.filter(isKept)
    return before - this.size
  }
}
