import type { Clock } from '../clock.js'
import type { UnrecordedEvent } from '../event.js'
import { backoffMs } from './backoff.js'
import { writeBatch, type BatchResult, type LedgerDoor } from './writer.js'

/** A database that is back is noticed within this, ms. */
const maxBackoffMs = 2_000
/**
 * What has gathered in memory while the database was away goes in small batches at first, with a rest
 * before each, since it holds up the event loop; not for long, since large ones get more through.
 */
const gentleBatch = 100
const gentleMs = 2_000
const maxRestMs = 50

/** Brings one batch after the other to MongoDB, each again and again until it is through. */
export class Delivery {
  readonly #door: LedgerDoor
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #onRetry: (reason: string) => void
  #gentleUntil = -Infinity
  /** How long the last batch took, ms. */
  #tookMs = 0
  #wake: (() => void) | undefined
  #isStopped = false

  constructor(door: LedgerDoor, clock: Pick<Clock, 'elapsed'>, onRetry: (reason: string) => void) {
    this.#door = door
    this.#clock = clock
    this.#onRetry = onRetry
  }

  /** How many of at most so many to bring next. */
  take(most: number): number {
    return this.#isGentle ? Math.min(most, gentleBatch) : most
  }

  /** Undefined when it was stopped before the batch was through. */
  async deliver(batch: readonly UnrecordedEvent[]): Promise<BatchResult | undefined> {
    if (this.#isGentle) await this.pause(Math.min(this.#tookMs, maxRestMs))
    const tries: { firstTriedAt?: Date } = {}
    const began = this.#clock.elapsed()
    for (let attempt = 1; ; attempt++) {
      const tried = await writeBatch(this.#door, batch, tries)
      if ('done' in tried) {
        const now = this.#clock.elapsed()
        this.#tookMs = now - began
        if (attempt > 1) this.#gentleUntil = now + gentleMs
        return tried.done
      }
      if (this.#isStopped) return undefined
      this.#onRetry(tried.retry)
      await this.pause(backoffMs(attempt, 100, maxBackoffMs))
    }
  }

  get #isGentle(): boolean {
    return this.#clock.elapsed() < this.#gentleUntil
  }

  /** Tries at once, if it is waiting to try again. */
  wake(): void {
    this.#wake?.()
  }

  stop(): void {
    this.#isStopped = true
    this.#wake?.()
  }

  /** Waits for so long, or until it is woken. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      timer.unref()
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
