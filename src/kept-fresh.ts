import type { Clock } from './clock.js'
import { inTime } from './in-time.js'
import type { Logger } from './logger.js'

export interface KeptFreshOptions {
  /** In the plural, for the log: "stored prices". */
  readonly what: string
  /** How long the first who finds it too old waits for a database that does not answer, ms. */
  readonly waitMs: number
  readonly clock: Clock
  readonly logger: Logger
}

/** How long a request waits for a database that does not answer before it goes by what is known, ms. */
export const requestWaitMs = 250
/** How long what was read may be used before it is looked at again, and before it must be, ms. */
const freshMs = 4_000
const staleMs = 8_000
/** An answer that has come already is heard, ms. */
const leastWaitMs = 25

/**
 * Keeps what this process knows of the store fresh. It is looked at again while it is asked for,
 * without a timer: a change is in use everywhere within ten seconds, and an idle process asks for
 * nothing.
 */
export abstract class KeptFresh {
  readonly #options: KeptFreshOptions
  #lookedAt = -Infinity
  #looking: Promise<void> | undefined
  #beganLooking = -Infinity
  #failing = false

  constructor(options: KeptFreshOptions) {
    this.#options = options
  }

  /** Reads what is stored, where it has changed. Rejects when it cannot be read. */
  protected abstract read(): Promise<void>

  /**
   * Waits, for a bounded time, only where what is known is too old. False: it is known no better now.
   * Never rejects.
   */
  ready(): Promise<boolean> | undefined {
    const { clock } = this.#options
    const age = (clock.turnElapsed?.() ?? clock.elapsed()) - this.#lookedAt
    if (age < freshMs) return undefined
    const looking = this.look()
    return age < staleMs ? undefined : this.#waitFor(looking)
  }

  /** Looks again, also where somebody is looking: they may have begun before a change. */
  async refresh(): Promise<void> {
    await this.#looking
    await this.look()
  }

  /** Looks now. Never rejects: what cannot be read stays as it was, and is told once. */
  look(): Promise<void> {
    if (this.#looking === undefined) this.#beganLooking = this.#options.clock.elapsed()
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  /** Looks now. Rejects when nothing can be read. */
  async load(): Promise<void> {
    const began = this.#options.clock.elapsed()
    await this.read()
    this.#lookedAt = began
  }

  async #waitFor(looking: Promise<void>): Promise<boolean> {
    const { waitMs, clock } = this.#options
    // Somebody may have been waiting before us: a database that has not answered them is not there.
    const waited = clock.elapsed() - this.#beganLooking
    try {
      await inTime(looking, () => clock.elapsed(), Math.max(waitMs - waited, leastWaitMs))
      return !this.#failing
    } catch {
      // Requests must not wait one after another for a database that does not answer.
      this.#lookedAt = clock.elapsed() - freshMs
      return false
    }
  }

  async #look(): Promise<void> {
    try {
      await this.load()
      this.#failing = false
    } catch (error) {
      const { what, clock, logger } = this.#options
      this.#lookedAt = clock.elapsed()
      if (!this.#failing) {
        logger.warn(`usage: ${what} cannot be read, going by the last: ${String(error)}`)
      }
      this.#failing = true
    }
  }
}
