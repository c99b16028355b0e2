import { UsageError, type ErrorCode } from '../errors.js'
import type { UnrecordedEvent } from '../event.js'
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

/**
 * Takes events that carry their caller's id, each id once. Ids are looked up among those on their
 * way and in the log; with the database away only the former, and the log's `_id` does the rest.
 */
export class Submissions {
  readonly #ledger: Ledger
  readonly #door: SubmitDoor
  readonly #onTheWay = leastRecent<string, string>(100_000)

  constructor(ledger: Ledger, door: SubmitDoor) {
    this.#ledger = ledger
    this.#door = door
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

  async #stored(ids: readonly string[]): Promise<ReadonlyMap<string, string | undefined>> {
    if (ids.length === 0) return new Map()
    try {
      return await this.#door.contentHashes(ids)
    } catch (error) {
      if (error instanceof UsageError && error.code === 'store_unavailable') return new Map()
      throw error
    }
  }
}
