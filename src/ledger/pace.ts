/** So many live events a second are given way to; fewer do not notice. */
const busyRate = 20
/** How long the rate is looked at for, ms. */
const sampleMs = 250
/** Beside live events: few at once, as each batch holds up the event loop, and a rest after each. */
const gentleBatch = 100
const maxRestMs = 100

export interface PaceOptions {
  /** Live events so far. */
  readonly accepted: () => number
  /** Monotonic ms. */
  readonly elapsed: () => number
}

/** How fast a backlog goes on: as fast as it can, or gently beside live events. */
export class Pace {
  readonly #options: PaceOptions
  #since: number
  #count: number
  #isBusy = false

  constructor(options: PaceOptions) {
    this.#options = options
    this.#since = options.elapsed()
    this.#count = options.accepted()
  }

  /** How many of at most so many to take next. */
  take(most: number): number {
    return this.#look() ? Math.min(most, gentleBatch) : most
  }

  /** How long to rest after work that took so long, ms: it has half of the time. */
  rest(tookMs: number): number {
    return this.#look() ? Math.min(tookMs, maxRestMs) : 0
  }

  #look(): boolean {
    const { accepted, elapsed } = this.#options
    const [now, count] = [elapsed(), accepted()]
    const ms = now - this.#since
    if (ms < sampleMs) return this.#isBusy
    this.#isBusy = ((count - this.#count) / ms) * 1_000 > busyRate
    this.#since = now
    this.#count = count
    return this.#isBusy
  }
}
