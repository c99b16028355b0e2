import type { BatchResult } from './batch-result.js'
import type { LedgerCounts } from './ledger-counts.js'
import { codeOf } from './spool/files.js'

type Refused = BatchResult['refused']
/** Rejects when the disk does not take them. */
export type PutAside = (refused: Refused) => Promise<void>

/** Refused events that no disk takes are held in memory, up to so many. */
const maxHeld = 1_000

/** Puts events aside that are refused for good; those that the disk does not take now, later. */
export class RefusedEvents {
  readonly #add: PutAside
  readonly #counts: Pick<LedgerCounts, 'diskFailed' | 'gone'>
  #held: Refused[number][] = []
  #adding = Promise.resolve()

  constructor(add: PutAside, counts: Pick<LedgerCounts, 'diskFailed' | 'gone'>) {
    this.#add = add
    this.#counts = counts
  }

  /** Events that wait for the disk. */
  get held(): number {
    return this.#held.length
  }

  /** Puts these aside, and those that were held. Never rejects. */
  put(refused: Refused): Promise<void> {
    this.#held.push(...refused)
    this.#adding = this.#adding.then(() => this.#putHeld())
    return this.#adding
  }

  /** Gives up those; answers how many. */
  giveUp(): number {
    return this.#held.splice(0).length
  }

  async #putHeld(): Promise<void> {
    if (this.#held.length === 0) return
    const held = this.#held
    this.#held = []
    try {
      await this.#add(held)
    } catch (error) {
      this.#counts.diskFailed(codeOf(error))
      this.#held = [...held, ...this.#held]
      const over = this.#held.length - maxHeld
      if (over <= 0) return
      // New ones, never old ones.
      this.#held.length = maxHeld
      this.#counts.gone(over)
    }
  }
}
