import type { Clock } from '../clock.js'

/** Lets one log line an episode through: the first, then at most one a minute with a count. */
export class Episode {
  readonly #clock: Clock
  readonly #say: (count: number) => void
  #count = 0
  #nextAt = -Infinity

  constructor(clock: Clock, say: (count: number) => void) {
    this.#clock = clock
    this.#say = say
  }

  happened(count = 1): void {
    this.#count += count
    const now = this.#clock.elapsed()
    if (now < this.#nextAt) return
    this.#nextAt = now + 60_000
    this.#say(this.#count)
    this.#count = 0
  }
}
