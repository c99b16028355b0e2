import type { Clock } from '../clock.js'
import { KeptFresh } from '../kept-fresh.js'
import type { Logger } from '../logger.js'
import type { Override } from './override.js'

/** The store, as the price book reads it. */
export interface PriceDoor {
  /** Grows with every change of a stored price. Cheap. */
  version(): Promise<number>
  overrides(): Promise<Override[]>
}

/** How long an event waits for a database that does not answer before it goes by what is known, ms. */
const waitMs = 2_000

/** The stored prices as this process knows them. */
export class StoredPrices extends KeptFresh {
  readonly #door: PriceDoor
  readonly #onChange: () => void
  #overrides: readonly Override[] = []
  #version = -1

  constructor(door: PriceDoor, clock: Clock, logger: Logger, onChange: () => void) {
    super({ what: 'stored prices', waitMs, clock, logger })
    this.#door = door
    this.#onChange = onChange
  }

  get overrides(): readonly Override[] {
    return this.#overrides
  }

  protected async read(): Promise<void> {
    const version = await this.#door.version()
    if (version === this.#version) return
    this.#overrides = await this.#door.overrides()
    this.#version = version
    this.#onChange()
  }
}

/** The first events may come before the connection: their prices wait for it, a bounded time. */
export function priceDoor(prices: PriceDoor, ready: () => Promise<void>): PriceDoor {
  return {
    version: () => ready().then(() => prices.version()),
    overrides: () => prices.overrides(),
  }
}
