import { setImmediate } from 'node:timers'
import type { Capture, Ending } from '../capture/capture.js'
import type { UnrecordedEvent } from '../event.js'
import { Epochs } from './epochs.js'
import type { Ledger } from './ledger.js'

/** How long completing captures may hold the event loop in one go, ms. */
const sliceMs = 4

export interface IntakeOptions {
  ledger: Ledger
  /** What an operation has to wait for before it can be completed; undefined = nothing. */
  hold: (capture: Capture, ending: Ending) => Promise<void> | undefined
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
  #held = 0
  #scheduled = false

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  get depth(): number {
    return this.#sealed.length + this.#completing + this.#held
  }

  /** Takes a sealed capture; drops and counts it when there is no room. */
  take(capture: Capture, ending: Ending): void {
    const { ledger } = this.#options
    if (!ledger.hasRoom(this.depth)) {
      ledger.dropped()
      capture.forget()
      return
    }
    const held = this.#options.hold(capture, ending)
    if (held === undefined) {
      this.#push(capture, ending)
      return
    }
    this.#held += 1
    void held.then(() => {
      this.#held -= 1
      this.#push(capture, ending)
    })
  }

  #push(capture: Capture, ending: Ending): void {
    capture.reservation?.ended()
    this.#sealed.push({ capture, ending, epoch: this.#epochs.enter() })
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#work)
  }

  /** Begins with what was taken now, for a caller that is off the response path already. */
  work(): void {
    if (this.#sealed.length > 0) this.#work()
  }

  /** Resolves when all that was taken so far, and is not held, has reached the ledger. */
  settled(): Promise<void> {
    return this.#epochs.settled()
  }

  readonly #work = (): void => {
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
    this.#scheduled = this.#sealed.length > 0
    if (this.#scheduled) setImmediate(this.#work)
  }

  #completeOne(sealed: Sealed): void {
    this.#completing += 1
    try {
      const event = this.#options.complete(sealed.capture, sealed.ending)
      if (!(event instanceof Promise)) this.#done(sealed, event)
      else {
        event.then(
          (done) => this.#done(sealed, done),
          (error: unknown) => this.#failed(sealed, error),
        )
      }
    } catch (error) {
      this.#failed(sealed, error)
    }
  }

  #done(sealed: Sealed, event: UnrecordedEvent): void {
    this.#options.ledger.accept(event, sealed.capture.running)
    this.#release(sealed)
  }

  #failed(sealed: Sealed, error: unknown): void {
    this.#options.ledger.dropped()
    this.#options.onError(error)
    this.#release(sealed)
  }

  #release({ capture, epoch }: Sealed): void {
    this.#completing -= 1
    capture.forget()
    this.#epochs.settle(epoch)
  }
}
