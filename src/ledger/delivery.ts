import { clearTimeout, setTimeout } from 'node:timers'
import type { UnrecordedEvent } from '../event.js'
import { askAgain } from './ask-again.js'
import { backoffMs } from './backoff.js'
import {
  writeBatch,
  type BatchResult,
  type LedgerDoor,
  type Tries,
  type TryResult,
} from './writer.js'

/** A database that is back is noticed within this, ms. */
const maxBackoffMs = 2_000

export interface DeliveryOptions {
  readonly door: LedgerDoor
  readonly onRetry: (reason: string) => void
  /** A batch is through that was not at once. */
  readonly onRecovered: () => void
}

/** Brings one batch after the other to MongoDB, each again and again until it is through. */
export class Delivery {
  readonly #options: DeliveryOptions
  #wake: (() => void) | undefined
  #isStopped = false

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  /** Undefined when it was stopped before the batch was through. */
  async deliver(batch: readonly UnrecordedEvent[]): Promise<BatchResult | undefined> {
    const { door, onRetry, onRecovered } = this.#options
    const tries: Tries = {}
    const asking = {
      ask: () => writeBatch(door, batch, tries),
      isAnswer: (tried: TryResult) => 'done' in tried,
      mayAskAgain: () => !this.#isStopped && tries.hasOld !== true,
    }
    for (let attempt = 1; ; attempt++) {
      const tried = await askAgain(asking)
      if ('done' in tried) {
        if (attempt > 1) onRecovered()
        return tried.done
      }
      if (this.#isStopped) return undefined
      onRetry(tried.retry)
      await this.pause(backoffMs(attempt, 100, maxBackoffMs))
    }
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
