import { Breaker } from '../breaker.js'
import type { Clock } from '../clock.js'
import { UsageError, type ErrorCode } from '../errors.js'
import type { UnrecordedEvent } from '../event.js'
import { inTime } from '../in-time.js'
import { leastRecent } from '../least-recent.js'
import type { Ledger } from './ledger.js'

/** What became of one submitted event. */
export type Submitted =
  | { outcome: 'accepted' }
  | { outcome: 'duplicate' }
  | { outcome: 'rejected'; code: ErrorCode; detail: string }

export interface SubmitDoor {
  contentHashes(ids: readonly string[]): Promise<Map<string, string | undefined>>
}

/** How long looking ids up may take, ms; who waits longer takes the database for away. */
const lookupMs = 1_000

/**
 * Takes events that carry their caller's id, each id once. Ids are looked up among those on their
 * way and in the log; with the database away only the former, and the log's `_id` does the rest.
 */
export class Submissions {
  readonly #ledger: Ledger
  readonly #door: SubmitDoor
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #breaker: Breaker
  readonly #onTheWay = leastRecent<string, string>(100_000)

  constructor(ledger: Ledger, door: SubmitDoor, clock: Clock) {
    this.#ledger = ledger
    this.#door = door
    this.#clock = clock
    this.#breaker = new Breaker(clock)
  }

  async submit(events: readonly UnrecordedEvent[]): Promise<Submitted[]> {
    const unseen = events
      .filter((event) => !this.#onTheWay.has(event._id))
      .map((event) => event._id)
    const stored = await this.#stored(unseen)
    return events.map((event) => this.#one(event, stored))
  }

  #one(event: UnrecordedEvent, stored: ReadonlyMap<string, string | undefined>): Submitted {
    const hash = event.content_hash ?? ''
    const known = this.#onTheWay.get(event._id) ?? stored.get(event._id)
    if (known === hash) return { outcome: 'duplicate' }
    if (known !== undefined || stored.has(event._id)) {
      const detail = 'The id was used for an event with other content'
      return { outcome: 'rejected', code: 'conflict', detail }
    }
    if (!this.#ledger.accept(event)) {
      return {
        outcome: 'rejected',
        code: 'queue_full',
        detail: 'The queue is full, try again later',
      }
    }
    this.#onTheWay.set(event._id, hash)
    return { outcome: 'accepted' }
  }

  /** What the log has of these; nothing where the database is away, which only the first waits to learn. */
  async #stored(ids: readonly string[]): Promise<ReadonlyMap<string, string | undefined>> {
    if (ids.length === 0) return new Map()
    const wasAway = !this.#breaker.isClosed
    const looking = this.#breaker.mayTry() ? this.#look(ids) : undefined
    if (!wasAway && looking !== undefined) return looking
    looking?.catch(() => undefined)
    return new Map()
  }

  async #look(ids: readonly string[]): Promise<ReadonlyMap<string, string | undefined>> {
    const elapsed = () => this.#clock.elapsed()
    try {
      const stored = await inTime(this.#door.contentHashes(ids), elapsed, lookupMs)
      this.#breaker.succeeded()
      return stored
    } catch (error) {
      this.#breaker.failed()
      if (error instanceof UsageError && error.code === 'store_unavailable') return new Map()
      throw error
    }
  }
}
