import { slowWriteMs } from './freshness.js'

/** Finds out that the database's clock was put back, or that another member's is behind. */
export class ClockSteps {
  readonly #elapsed: () => number
  #last: { at: number; elapsed: number } | undefined

  /** `elapsed`: monotonic ms. */
  constructor(elapsed: () => number) {
    this.#elapsed = elapsed
  }

  /** Whether it says less than has gone by since it was noted, by more than runs overlap anyway. */
  hasGoneBack(now: Date): boolean {
    if (this.#last === undefined) return false
    const due = this.#last.at + this.#elapsed() - this.#last.elapsed
    return due - now.getTime() > slowWriteMs
  }

  /** To be called when all that was recorded up to then has been looked at. */
  note(now: Date): void {
    this.#last = { at: now.getTime(), elapsed: this.#elapsed() }
  }
}
