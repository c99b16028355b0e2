import type { Clock } from './clock.js'

/** How long nobody asks a store that has failed, ms. */
const openMs = 1_000

/** Keeps a dead database from costing every request its deadline. */
export class Breaker {
  readonly #clock: Clock
  #openUntil = -Infinity
  #isTrying = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Nothing has failed lately. */
  get isClosed(): boolean {
    return this.#openUntil === -Infinity
  }

  /** False while the store is taken to be dead; after a while one at a time may look. */
  mayTry(): boolean {
    if (this.isClosed) return true
    if (this.#isTrying || this.#clock.elapsed() < this.#openUntil) return false
    this.#isTrying = true
    return true
  }

  succeeded(): void {
    this.#openUntil = -Infinity
    this.#isTrying = false
  }

  failed(): void {
    this.#openUntil = this.#clock.elapsed() + openMs
    this.#isTrying = false
  }
}
