import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../clock.js'
import { within } from '../../deadline.js'
import type { StartFacts } from './event-json.js'
import type { Log } from './log.js'
import type { Fsync } from './spool-options.js'
import { Running } from './starts.js'

/** How long a request waits for its beginning to be written, or with `strict` to be on the disk, ms. */
const patienceMs: Readonly<Record<Fsync, number>> = { off: 20, interval: 20, strict: 250 }
/** How long none waits after one that waited so long, ms. */
const resignedMs = 1_000

export interface BeginningsParts {
  readonly log: Log
  readonly clock: Clock
  readonly fsync: Fsync
  /** Whether the spool takes something now. */
  readonly hasRoom: () => boolean
}

/** Operations that have begun, on their way to the disk. */
export class Beginnings {
  readonly #parts: BeginningsParts
  #fresh: Running[] = []
  #noting: Promise<void> | undefined
  #resignedUntil = -Infinity
  #isStopped = false

  constructor(parts: BeginningsParts) {
    this.#parts = parts
  }

  /** An operation runs: `note` is to follow. Undefined: nothing will be noted. */
  begin(id: string, facts: () => StartFacts): Running | undefined {
    if (this.#isStopped) return undefined
    const running = new Running(id, facts, this.#parts.log)
    this.#fresh.push(running)
    return running
  }

  /** There is no disk to write to, until `goOn`. */
  stop(): void {
    this.#isStopped = true
    this.#fresh = []
  }

  goOn(): void {
    this.#isStopped = false
  }

  /**
   * Writes what has begun, in this very turn where the disk does not have to be waited for. Else
   * resolves when it is written, or not waited for longer: a disk that hangs holds up no request but
   * those of a moment in each second. Never rejects.
   */
  note(): Promise<void> | undefined {
    const { log } = this.#parts
    // Until there is a file, nothing is written of what is over before.
    if (!log.isOpen) this.#fresh = this.#fresh.filter(({ isOver }) => !isOver)
    if (this.#fresh.length === 0) return this.#noting
    if (log.mayWriteNow) {
      this.#write()
      if (log.gatherer.last !== undefined && !log.writeNow()) this.#wait()
    } else if (this.#isWorthWaiting()) {
      this.#write()
      this.#wait()
    }
    if (this.#fresh.length > 0) log.schedule()
    return this.#noting
  }

  /** The log writes now, and takes along what has begun. */
  joinRound(): void {
    if (this.#fresh.length === 0) return
    const isWorthWaiting = this.#isWorthWaiting()
    this.#write()
    if (isWorthWaiting) this.#wait()
  }

  /** Gathers for the log what has begun and still runs, where there is room. */
  #write(): void {
    const fresh = this.#fresh
    this.#fresh = []
    const hasRoom = this.#parts.hasRoom()
    for (const running of fresh) {
      if (running.isOver) continue
      if (hasRoom) tryWrite(running)
      else this.#fresh.push(running)
    }
  }

  #isWorthWaiting(): boolean {
    const { log, clock, hasRoom } = this.#parts
    return log.isOpen && clock.elapsed() >= this.#resignedUntil && hasRoom()
  }

  #wait(): void {
    const noting: Promise<void> = this.#written().then(() => {
      if (this.#noting === noting) this.#noting = undefined
    })
    this.#noting = noting
  }

  async #written(): Promise<void> {
    const { log, clock, fsync } = this.#parts
    const writing = log.written()
    let isWritten = await within(writing, patienceMs[fsync])
    // Time in which this process was busy is not the disk's: its answer may be waiting.
    if (!isWritten) isWritten = await Promise.race([writing.then(() => true), turn(false)])
    if (!isWritten) this.#resignedUntil = clock.elapsed() + resignedMs
  }
}

/** One that cannot be told of must not keep the others from it; its event follows all the same. */
function tryWrite(running: Running): void {
  try {
    running.write()
  } catch {
    running.ended()
  }
}
