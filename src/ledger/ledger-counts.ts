import type { Clock } from '../clock.js'
import type { Logger } from '../logger.js'
import { Episode } from './episode.js'
import type { BatchResult } from './writer.js'

/** What the ledger counts, and tells an operator of: one log line an episode. */
export class LedgerCounts {
  accepted = 0
  stored = 0
  duplicates = 0
  refused = 0
  dropped = 0
  retries = 0
  readonly #dropEpisode: Episode
  readonly #retryEpisode: Episode
  readonly #refusedEpisode: Episode
  readonly #diskEpisode: Episode
  readonly #logger: Logger
  #reason = ''

  constructor(options: { clock: Clock; logger: Logger; maxEvents: number }) {
    const { clock, logger, maxEvents } = options
    this.#logger = logger
    this.#dropEpisode = new Episode(clock, (count) =>
      logger.error(`usage: ${count} events dropped, the queue of ${maxEvents} is full or closed`),
    )
    this.#retryEpisode = new Episode(clock, () =>
      logger.warn(`usage: writing to usage_logs is being retried (${this.#reason})`),
    )
    this.#refusedEpisode = new Episode(clock, (count) =>
      logger.error(`usage: ${count} events were refused for good (${this.#reason})`),
    )
    this.#diskEpisode = new Episode(clock, () =>
      logger.error(`usage: the spool cannot be read or written (${this.#reason})`),
    )
  }

  lost(): void {
    this.dropped += 1
    this.#dropEpisode.happened()
  }

  /** So many events were lost with the file that they stood in. */
  gone(count: number): void {
    this.dropped += count
    this.diskFailed('a file was removed')
  }

  /** So many were in memory only when the process ended. */
  endedWith(count: number): void {
    this.dropped += count
    this.#logger.error(`usage: ${count} events are lost: neither MongoDB nor a disk has taken them`)
  }

  retried(reason: string): void {
    this.retries += 1
    this.#reason = reason
    this.#retryEpisode.happened()
  }

  written({ stored, duplicates, refused }: BatchResult): void {
    this.stored += stored
    this.duplicates += duplicates.length
    this.refused += refused.length
    if (refused.length === 0) return
    this.#reason = refused[0]?.code ?? ''
    this.#refusedEpisode.happened(refused.length)
  }

  diskFailed(code: string): void {
    this.#reason = code
    this.#diskEpisode.happened()
  }
}
