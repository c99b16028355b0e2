import { randomUUID } from 'node:crypto'
import type { UnrecordedEvent } from '../event.js'
import type { Rules } from '../limits/rules.js'
import type { Config } from '../config.js'
import { parseExternalEvent } from './external-event.js'

/** Reads an event of `record` or `POST /events`. Throws `invalid_event`. */
export type EventParser = (input: unknown, sender: string) => UnrecordedEvent

export function createEventParser(
  { operations, clock, metadata }: Pick<Config, 'operations' | 'clock' | 'metadata'>,
  { book, accounts }: Pick<Rules, 'book' | 'accounts'>,
): EventParser {
  // Of several with one name, the first counts: the host's own stand before the built-in ones.
  const estimates = new Map(operations.toReversed().map((one) => [one.type, one.estimateTokens]))
  return (input, sender) =>
    parseExternalEvent(withId(input, sender), {
      now: clock.now(),
      sender,
      metadataKeys: metadata,
      tierOf: (userId, tier) => book.ofUser(userId, tier).tier,
      orgOf: (userId) => accounts.orgOf(userId),
      estimateOf: (type) => estimates.get(type) ?? 0,
    })
}

/** Events of `record` may come without an id: each call is then a new operation. */
function withId(input: unknown, sender: string): unknown {
  if (sender !== 'record' || typeof input !== 'object' || input === null) return input
  return { id: randomUUID(), ...input }
}
