import { Breaker } from '../breaker.js'
import type { Clock } from '../clock.js'
import { UsageError, type ErrorCode } from '../errors.js'
import type { UnrecordedEvent } from '../event.js'
import { leastRecent } from '../least-recent.js'
import { Trips } from '../trips.js'
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
/** Calls whose ids are looked up together at most, and ids in one query. */
const maxCalls = 100
const maxIds = 5_000
/** Ids on their way that are remembered; of earlier ones the log knows, or will. */
const maxRemembered = 20_000

/** Fingerprints by id, of what the log has. */
type Stored = ReadonlyMap<string, string | undefined>

/**
 * Takes events that carry their caller's id, each id once. Ids are looked up among those on their
 * way and in the log; with the database away only the former, and the log's `_id` does the rest.
 */
export class Submissions {
  readonly #ledger: Ledger
  readonly #lookups: Trips<readonly string[], Stored>
  readonly #breaker: Breaker
  readonly #onTheWay = leastRecent<string, string>(maxRemembered)

  constructor(ledger: Ledger, door: SubmitDoor, clock: Clock) {
    this.#ledger = ledger
    const elapsed = () => clock.elapsed()
    const options = { elapsed, maxQuestions: maxCalls, deadlineMs: lookupMs }
    this.#lookups = new Trips((calls) => lookUp(door, calls), options)
    this.#breaker = new Breaker(clock)
  }

  async submit(events: readonly UnrecordedEvent[]): Promise<Submitted[]> {
    const unseen = events
      .filter((event) => !this.#onTheWay.has(event._id))
      .map((event) => event._id)
    const stored = await this.#stored(unseen)
    return events.map((event) => this.#one(event, stored))
  }

  #one(event: UnrecordedEvent, stored: Stored): Submitted {
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
  async #stored(ids: readonly string[]): Promise<Stored> {
    if (ids.length === 0) return new Map()
    const wasAway = !this.#breaker.isClosed
    const looking = this.#breaker.mayTry() ? this.#look(ids) : undefined
    if (!wasAway && looking !== undefined) return looking
    looking?.catch(() => undefined)
    return new Map()
  }

  async #look(ids: readonly string[]): Promise<Stored> {
    try {
      const stored = await this.#lookups.ask(ids)
      this.#breaker.succeeded()
      return stored
    } catch (error) {
      this.#breaker.failed()
      if (error instanceof UsageError && error.code === 'store_unavailable') return new Map()
      throw error
    }
  }
}

/** Few queries for all calls; each call finds its own ids in the answer. */
async function lookUp(
  door: SubmitDoor,
  calls: readonly (readonly string[])[],
): Promise<PromiseSettledResult<Stored>[]> {
  const ids = calls.flat()
  const value = new Map<string, string | undefined>()
  for (let at = 0; at < ids.length; at += maxIds) {
    const found = await door.contentHashes(ids.slice(at, at + maxIds))
    for (const [id, hash] of found) value.set(id, hash)
  }
  return calls.map(() => ({ status: 'fulfilled', value }))
}
