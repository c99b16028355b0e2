/** So many live events a second are given way to; fewer do not notice. */
const busyRate = 20
/** How long the rate is looked at for, ms. */
const sampleMs = 250
/** For so long after MongoDB has come back it has enough to do with what was waiting for it, ms. */
const recoveryMs = 2_000
/** Few at once, as each batch holds up the event loop, and a rest after each: a third of the time. */
const gentleBatch = 16
const restsPerWork = 2
const maxRestMs = 25

export interface PaceOptions {
  /** Live events so far. */
  readonly accepted: () => number
  /** Monotonic ms. */
  readonly elapsed: () => number
}

/** Fresh events, or those of a backlog. */
export type Lane = 'live' | 'late'

/**
 * How fast events go to MongoDB: as fast as they can, or gently, that the host's requests do not notice.
 * A backlog goes gently beside live events; all do just after an outage.
 */
export class Pace {
  readonly #options: PaceOptions
  #since: number
  #count: number
  #isBusy = false
  #recoversUntil = -Infinity

  constructor(options: PaceOptions) {
    this.#options = options
    this.#since = options.elapsed()
    this.#count = options.accepted()
  }

  /** MongoDB is back. */
  recovered(): void {
    this.#recoversUntil = this.#options.elapsed() + recoveryMs
  }

  /** How many of at most so many to take next. */
  take(lane: Lane, most: number): number {
    return this.#isGentle(lane) ? Math.min(most, gentleBatch) : most
  }

  /** How long to rest after work that took so long, ms. */
  rest(lane: Lane, tookMs: number): number {
    return this.#isGentle(lane) ? Math.min(restsPerWork * tookMs, maxRestMs) : 0
  }

  #isGentle(lane: Lane): boolean {
    const isRecovering = this.#options.elapsed() < this.#recoversUntil
    return isRecovering || (lane === 'late' && this.#look())
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
