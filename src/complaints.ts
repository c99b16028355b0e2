import type { Clock } from './clock.js'
import { Episode } from './ledger/episode.js'
import type { Logger } from './logger.js'

/** What goes wrong on the way of a request and must not trouble the host: one log line an episode. */
export class Complaints {
  readonly #mistakes: Episode
  readonly #flags: Episode
  #lastMistake = ''
  #lastFlags = ''

  constructor(clock: Clock, logger: Logger) {
    this.#mistakes = new Episode(clock, () => logger.warn(`usage: ${this.#lastMistake}`))
    this.#flags = new Episode(clock, (count) =>
      logger.warn(`usage: ${count} figures were dropped as impossible, last ${this.#lastFlags}`),
    )
  }

  /** The provider's figures that these flags name were dropped. */
  flagged(flags: readonly string[], provider = 'an unknown provider'): void {
    this.#lastFlags = `${flags.join(', ')} of ${provider}`
    this.#flags.happened(flags.length)
  }

  mistake(what: string): void {
    this.#lastMistake = what
    this.#mistakes.happened()
  }
}
