import type { Clock } from '../clock.js'
import type { UnrecordedEvent } from '../event.js'
import type { Logger } from '../logger.js'
import { backoffMs } from './backoff.js'
import { Episode } from './episode.js'
import { Epochs } from './epochs.js'
import { writeBatch, type BatchResult, type LedgerDoor } from './writer.js'

export interface LedgerOptions {
  door: LedgerDoor
  clock: Clock
  logger: Logger
  /** Events held at most; beyond it new ones are dropped, counted and reported. */
  maxEvents: number
  /** Events written at once at most. */
  batchSize: number
  /** How long a first event waits for others, ms. */
  lingerMs: number
  onWritten: (result: BatchResult) => void
}

interface Entry {
  readonly event: UnrecordedEvent
  readonly epoch: number
  readonly at: number
}

/** What the ledger has done and holds; counts since start. */
export interface LedgerStats {
  depth: number
  oldest_ms: number
  accepted: number
  stored: number
  duplicates: number
  refused: number
  dropped: number
  retries: number
}

/**
 * Accepted events on their way to `usage_logs`, each exactly once: a bounded queue in memory,
 * written in batches, idempotent by `_id`. An event leaves only when a majority of MongoDB has it.
 */
export class Ledger {
  readonly #options: LedgerOptions
  readonly #epochs = new Epochs()
  #queue: Entry[] = []
  #writing: readonly Entry[] = []
  #running = false
  #timer: NodeJS.Timeout | undefined
  #wake: (() => void) | undefined
  #closed = false
  readonly #counts = { accepted: 0, stored: 0, duplicates: 0, refused: 0, dropped: 0, retries: 0 }
  readonly #dropEpisode: Episode
  readonly #retryEpisode: Episode
  readonly #refusedEpisode: Episode
  #lastReason = ''

  constructor(options: LedgerOptions) {
    this.#options = options
    const { clock, logger, maxEvents } = options
    this.#dropEpisode = new Episode(clock, (count) =>
      logger.error(`usage: ${count} events dropped, the queue of ${maxEvents} is full or closed`),
    )
    this.#retryEpisode = new Episode(clock, () =>
      logger.warn(`usage: writing to usage_logs is being retried (${this.#lastReason})`),
    )
    this.#refusedEpisode = new Episode(clock, (count) =>
      logger.error(`usage: MongoDB refused ${count} events for good (${this.#lastReason})`),
    )
  }

  /** Takes an event; false if there was no room. Costs a push. */
  accept(event: UnrecordedEvent): boolean {
    if (this.#closed || this.depth >= this.#options.maxEvents) {
      this.dropped()
      return false
    }
    this.#counts.accepted += 1
    this.#queue.push({ event, epoch: this.#epochs.enter(), at: this.#options.clock.elapsed() })
    if (this.#queue.length >= this.#options.batchSize) this.#start()
    else if (!this.#running) this.#startSoon()
    return true
  }

  /** Counts an event that was lost before it could be accepted. */
  dropped(): void {
    this.#counts.dropped += 1
    this.#dropEpisode.happened()
  }

  get depth(): number {
    return this.#queue.length + this.#writing.length
  }

  get maxEvents(): number {
    return this.#options.maxEvents
  }

  stats(): LedgerStats {
    const oldest = this.#writing[0] ?? this.#queue[0]
    const oldest_ms = oldest ? Math.round(this.#options.clock.elapsed() - oldest.at) : 0
    return { depth: this.depth, oldest_ms, ...this.#counts }
  }

  /** Resolves when every event accepted so far is in `usage_logs` (or refused by it for good). */
  flush(): Promise<void> {
    this.#start()
    this.#wake?.()
    return this.#epochs.settled()
  }

  /** Takes nothing more, and stops trying. What is left is counted by `depth`. */
  stop(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#wake?.()
  }

  #startSoon(): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.#start(), this.#options.lingerMs)
    this.#timer.unref()
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#running || this.#queue.length === 0) return
    this.#running = true
    void this.#run()
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 && !this.#closed) {
      this.#writing = this.#queue.splice(0, this.#options.batchSize)
      const result = await this.#writeUntilDone(this.#writing.map((entry) => entry.event))
      if (result === undefined) break
      this.#settle(result)
    }
    this.#running = false
  }

  /** Undefined when the ledger was stopped before the batch was through. */
  async #writeUntilDone(batch: readonly UnrecordedEvent[]): Promise<BatchResult | undefined> {
    const tries: { firstTriedAt?: Date } = {}
    for (let attempt = 1; ; attempt++) {
      const tried = await writeBatch(this.#options.door, batch, tries)
      if ('done' in tried) return tried.done
      if (this.#closed) return undefined
      this.#counts.retries += 1
      this.#lastReason = tried.retry
      this.#retryEpisode.happened()
      await this.#pause(backoffMs(attempt))
    }
  }

  #settle(result: BatchResult): void {
    const entries = this.#writing
    this.#writing = []
    this.#counts.stored += result.stored
    this.#counts.duplicates += result.duplicates.length
    this.#counts.refused += result.refused.length
    if (result.refused.length > 0) {
      this.#lastReason = result.refused[0]?.code ?? ''
      this.#refusedEpisode.happened(result.refused.length)
    }
    this.#options.onWritten(result)
    for (const { epoch } of entries) this.#epochs.settle(epoch)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      timer.unref()
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
