import type { UnrecordedEvent } from '../event.js'
import type { TokenCounter } from '../tokens/counter.js'
import { andThen, type MaybePromise } from '../maybe-promise.js'
import type { Capture, Ending, Subject } from './capture.js'
import { bodyKind, decode, isEncoded } from './content.js'
import { eventOf } from './event-of.js'
import { readAsk } from './prompt.js'
import { emptyReading, name, type Reading } from './reading.js'
import { ResponseReader } from './response-reader.js'
import { settleTokens } from './settle-tokens.js'

/** What completing a capture needs from the house. */
export interface CompletionContext {
  readonly counter: TokenCounter
  readonly maxBodyBytes: number
  /** Whose operations those of nobody in particular are. */
  readonly anonymous: Subject
  /** The tier under which a subject's operation is booked. */
  readonly tierOf: (subject: Subject) => string
  /** Asked when nobody was known at the start: the host may have authenticated since. */
  readonly identifyLate: (capture: Capture) => MaybePromise<Subject | undefined>
}

/**
 * Turns a sealed capture into an event: reads the response, finds the tokens, names the subject.
 * Off the response path. Answers at once where nothing has to be waited for (a provider's own
 * figures, a known caller), which is the common case.
 */
export function complete(
  capture: Capture,
  ending: Ending,
  context: CompletionContext,
): MaybePromise<UnrecordedEvent> {
  return andThen(subjectOf(capture, context), (subject) =>
    andThen(readResponse(capture, context.maxBodyBytes), (reading) => {
      const failed =
        !ending.finished ||
        ending.status_code >= 400 ||
        reading.error_type !== undefined ||
        capture.proxied?.failure !== undefined
      const needsAsk = reading.model === undefined || !reading.output_is_final
      const ask = needsAsk ? readAsk(capture.req) : {}
      const model =
        capture.annotations.model ?? reading.model ?? name(ask.model ?? capture.proxied?.model)
      const given = { capture, ending, reading, ask, model, failed }
      return andThen(settleTokens(given, context.counter), (settled) =>
        eventOf({ ...given, subject, tier: context.tierOf(subject), settled }),
      )
    }),
  )
}

/** Reads what is left of the body; a body that cannot be read gives an empty reading. */
function readResponse(capture: Capture, maxBodyBytes: number): MaybePromise<Reading> {
  const { body } = capture
  if (capture.overflowed || body.bytes === 0) return emptyReading()
  if (capture.reader) return capture.reader.finish(body.takeText())
  const start = body.peek(64)
  const kind = bodyKind(capture.contentType, start)
  if (kind === 'opaque') return emptyReading()
  const reader = new ResponseReader(kind)
  capture.reader = reader
  const encoding = capture.contentEncoding
  if (encoding === undefined || !isEncoded(encoding, start)) return reader.finish(body.takeText())
  capture.encoded = true
  return decode(body.takeBytes(), encoding, 4 * maxBodyBytes).then(
    (text) => reader.finish(text),
    () => emptyReading(),
  )
}

function subjectOf(capture: Capture, context: CompletionContext): MaybePromise<Subject> {
  const { annotations, subject, pendingSubject } = capture
  const { user_id, org_id } = annotations
  const found =
    subject ??
    andThen(pendingSubject, (later) =>
      user_id === undefined ? (later ?? context.identifyLate(capture)) : later,
    )
  return andThen(found, (known = context.anonymous) => {
    if (user_id === undefined && org_id === undefined) return known
    return {
      ...known,
      ...(user_id !== undefined && { user_id }),
      ...(org_id !== undefined && { org_id }),
    }
  })
}
