import type { Capture, Ending } from '../capture/capture.js'
import type { UnrecordedEvent } from '../event.js'
import { Epochs } from './epochs.js'
import type { Ledger } from './ledger.js'

/** How long completing captures may hold the event loop in one go, ms. */
const sliceMs = 4

/** How long a sealed capture waits for others, ms: done in a row, they cost half. */
const gatherMs = 10

/** As many do not wait any longer. */
const gathered = 64

export interface IntakeOptions {
  ledger: Ledger
  complete: (capture: Capture, ending: Ending) => UnrecordedEvent | Promise<UnrecordedEvent>
  elapsed: () => number
  onError: (error: unknown) => void
}

interface Sealed {
  readonly capture: Capture
  readonly ending: Ending
  readonly epoch: number
}

/**
 * Between the response and the ledger: holds sealed captures (bounded together with the ledger) and
 * completes them off the response path, in short slices.
 */
export class Intake {
  readonly #options: IntakeOptions
  readonly #epochs = new Epochs()
  #sealed: Sealed[] = []
  #completing = 0
  #timer: NodeJS.Timeout | undefined
  #isDue = false

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  get depth(): number {
    return this.#sealed.length + this.#completing
  }

  /** Takes a sealed capture; drops and counts it when there is no room. */
  take(capture: Capture, ending: Ending): void {
    const { ledger } = this.#options
    if (this.depth + ledger.depth >= ledger.maxEvents) {
      ledger.dropped()
      return
    }
    this.#sealed.push({ capture, ending, epoch: this.#epochs.enter() })
    if (this.#sealed.length >= gathered) this.#workNow()
    else if (!this.#isDue) this.#timer ??= setTimeout(() => this.#work(), gatherMs)
  }

  /** Resolves when all that was taken so far has reached the ledger. */
  settled(): Promise<void> {
    if (this.#sealed.length > 0) this.#workNow()
    return this.#epochs.settled()
  }

  #workNow(): void {
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => this.#work())
  }

  #work(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isDue = false
    const began = this.#options.elapsed()
    let next = 0
    for (; next < this.#sealed.length; next++) {
      const one = this.#sealed[next]
      if (one) this.#completeOne(one)
      if (this.#options.elapsed() - began > sliceMs) {
        next++
        break
      }
    }
    this.#sealed = this.#sealed.slice(next)
    if (this.#sealed.length > 0) this.#workNow()
  }

  #completeOne({ capture, ending, epoch }: Sealed): void {
    this.#completing += 1
    try {
      const event = this.#options.complete(capture, ending)
      if (!(event instanceof Promise)) this.#done(epoch, event)
      else {
        event.then(
          (done) => this.#done(epoch, done),
          (error: unknown) => this.#failed(epoch, error),
        )
      }
    } catch (error) {
      this.#failed(epoch, error)
    }
  }

  #done(epoch: number, event: UnrecordedEvent): void {
    this.#completing -= 1
    this.#options.ledger.accept(event)
    this.#epochs.settle(epoch)
  }

  #failed(epoch: number, error: unknown): void {
    this.#completing -= 1
    this.#options.ledger.dropped()
    this.#options.onError(error)
    this.#epochs.settle(epoch)
  }
}
