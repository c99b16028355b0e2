import { setImmediate } from 'node:timers'
import type { Capture } from './capture/capture.js'
import { startFacts } from './capture/start-facts.js'
import { faultOf } from './fault.js'
import type { Ledger } from './ledger/ledger.js'
import type { PlanBook } from './limits/plans.js'
import type { Outbound } from './outbound/outbound.js'

export interface EntranceOptions {
  readonly ledger: Pick<Ledger, 'begin' | 'noteBegun'>
  readonly plans: Pick<PlanBook, 'ofSubject'>
  readonly outbound: Outbound | undefined
  readonly onMistake: (what: string) => void
}

/** Where admitted requests pass on the way to their handlers: from there on they run. */
export class Entrance {
  readonly #options: EntranceOptions

  constructor(options: EntranceOptions) {
    this.#options = options
  }

  /** Notes that a request runs from now on. */
  begin(capture: Capture): Promise<void> | undefined {
    this.#begin(capture)
    return this.#noteBegun()
  }

  /**
   * Hands a request on; what its handler asks of providers belongs to it. With a spool it does so at
   * the end of the turn, when a single write has noted all that came in it: no handler begins before
   * its request is noted, and a write for each would cost more than the rest of the spool.
   */
  enter(capture: Capture, next: () => void): void {
    this.#begin(capture)
    if (capture.running === undefined) {
      this.#handOn(capture, next)
      return
    }
    // One for each, not one for all: an immediate keeps the async context that the host has set up.
    setImmediate(() => {
      const noting = this.#noteBegun()
      if (noting === undefined) this.#handOn(capture, next)
      else void noting.then(() => this.#handOn(capture, next))
    })
  }

  #begin(capture: Capture): void {
    const { ledger, plans } = this.#options
    capture.running ??= ledger.begin(capture.id, () => startFacts(capture, plans))
  }

  #noteBegun(): Promise<void> | undefined {
    const { ledger, onMistake } = this.#options
    try {
      return ledger.noteBegun()
    } catch (error) {
      onMistake(`noting that a request runs failed: ${faultOf(error)}`)
      return undefined
    }
  }

  #handOn(capture: Capture, next: () => void): void {
    const { outbound } = this.#options
    // Cut off while it waited: body parsers of Express 5 would take it for complete.
    if (!capture.req.complete && isDestroyed(capture.req.socket)) {
      capture.neverServed = true
      return
    }
    if (outbound === undefined) next()
    else outbound.enter(capture, next)
  }
}

/** Adapters of serverless platforms have no real connections. */
function isDestroyed(socket: { destroyed?: boolean } | null | undefined): boolean {
  return socket?.destroyed === true
}
