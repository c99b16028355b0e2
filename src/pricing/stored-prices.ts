import type { Clock } from '../clock.js'
import type { Logger } from '../logger.js'
import type { Override } from './override.js'

/** The store, as the price book reads it. */
export interface PriceDoor {
  /** Grows with every change of a stored price. Cheap. */
  version(): Promise<number>
  overrides(): Promise<Override[]>
}

/** How long what was read may be used before it is looked at again, and before it must be, ms. */
const freshMs = 4_000
const staleMs = 8_000

/** How long an event waits for a database that does not answer before it goes by what is known, ms. */
const waitMs = 2_000

/**
 * The stored prices as this process knows them. They are looked at again while they are asked for,
 * without a timer: a change is in use everywhere within ten seconds, and an idle process asks nothing.
 */
export class StoredPrices {
  readonly #door: PriceDoor
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #onChange: () => void
  #overrides: readonly Override[] = []
  #version = -1
  #lookedAt = -Infinity
  #looking: Promise<void> | undefined
  #failing = false

  constructor(door: PriceDoor, clock: Clock, logger: Logger, onChange: () => void) {
    this.#door = door
    this.#clock = clock
    this.#logger = logger
    this.#onChange = onChange
  }

  get overrides(): readonly Override[] {
    return this.#overrides
  }

  /** Waits, for a bounded time, only where what is known is too old. */
  ready(): Promise<void> | undefined {
    const age = this.#clock.elapsed() - this.#lookedAt
    if (age < freshMs) return undefined
    const looking = this.look()
    return age < staleMs ? undefined : within(looking, waitMs)
  }

  /** Looks again, also where somebody is looking: they may have begun before a change. */
  async refresh(): Promise<void> {
    await this.#looking
    await this.look()
  }

  /** Looks now. Never rejects: what cannot be read stays as it was, and is told once. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  /** Reads what is stored, where it has changed. Rejects when it cannot be read. */
  async load(): Promise<void> {
    const began = this.#clock.elapsed()
    const version = await this.#door.version()
    if (version !== this.#version) {
      this.#overrides = await this.#door.overrides()
      this.#version = version
      this.#onChange()
    }
    this.#lookedAt = began
  }

  async #look(): Promise<void> {
    try {
      await this.load()
      this.#failing = false
    } catch (error) {
      // Not again for a while: events must not wait one after another.
      this.#lookedAt = this.#clock.elapsed()
      if (!this.#failing) {
        this.#logger.warn(
          `usage: stored prices cannot be read, going by the last: ${String(error)}`,
        )
      }
      this.#failing = true
    }
  }
}

/** Resolves when the work is done or the time is over, whichever is first. */
export async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
    timer.unref()
  })
  await Promise.race([work, deadline])
  clearTimeout(timer)
}

/** The first events may come before the connection: their prices wait for it, a bounded time. */
export function priceDoor(prices: PriceDoor, ready: () => Promise<void>): PriceDoor {
  return {
    version: () => ready().then(() => prices.version()),
    overrides: () => prices.overrides(),
  }
}
