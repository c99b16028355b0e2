import type { UnrecordedEvent } from '../event.js'
import type { TokenCounter } from '../tokens/counter.js'
import { priceEvent } from '../pricing/price-event.js'
import type { PriceBook } from '../pricing/price-book.js'
import { andThen, type MaybePromise } from '../maybe-promise.js'
import type { Capture, Ending, Subject } from './capture.js'
import { eventOf, type Outcome } from './event-of.js'
import { askOf, readAsk, type Ask } from './prompt.js'
import { readWork, type Work } from './provider-work.js'
import { name, type Reading } from './reading.js'
import { settleTokens } from './settle-tokens.js'

/** What completing a capture needs from the house. */
export interface CompletionContext {
  readonly counter: TokenCounter
  /** Told of the figures that were dropped. */
  readonly onFlags: (flags: readonly string[], provider: string | undefined) => void
  readonly prices: Pick<PriceBook, 'ready' | 'price'>
  /** Whose operations those of nobody in particular are. */
  readonly anonymous: Subject
  /** The tier under which a subject's operation is booked. */
  readonly tierOf: (subject: Subject) => string
  /** The organisation that an admin has set for a user; undefined: none. */
  readonly orgOf: (userId: string) => string | undefined
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
  const subject = subjectOf(capture, context)
  const work = readWork(capture.calls)
  const reading = capture.content.read()
  if (subject instanceof Promise || work instanceof Promise || reading instanceof Promise) {
    return Promise.all([subject, work, reading]).then(([who, calls, answer]) =>
      completeRead(capture, ending, context, who, calls, answer),
    )
  }
  return completeRead(capture, ending, context, subject, work, reading)
}

function completeRead(
  capture: Capture,
  ending: Ending,
  context: CompletionContext,
  subject: Subject,
  work: readonly Work[],
  reading: Reading,
): MaybePromise<UnrecordedEvent> {
  tellFlags(reading, context)
  for (const one of work) tellFlags(one.reading, context)
  const failed =
    !ending.finished ||
    ending.status_code >= 400 ||
    reading.error_type !== undefined ||
    capture.proxied?.failure !== undefined
  const needsAsk = (reading.model === undefined || !reading.output_is_final) && work.length === 0
  const ask = needsAsk ? askedOf(capture) : nothingAsked
  const model = capture.annotations.model ?? reading.model ?? askedModel(ask, capture, ending)
  const outcome: Outcome = {
    capture,
    ending,
    reading,
    work,
    ask,
    model,
    failed,
    subject,
    tier: context.tierOf(subject),
  }
  return andThen(settleTokens(outcome, context), (settled) =>
    priced(eventOf(outcome, settled), context.prices),
  )
}

const nothingAsked: Ask = {}

/** What the client calls the model; of a request that was refused for its own fault, that is anything. */
function askedModel(ask: Ask, { proxied }: Capture, { status_code }: Ending): string | undefined {
  const isRefused = status_code >= 400 && status_code < 500
  return name((isRefused ? undefined : ask.model) ?? proxied?.model)
}

function askedOf({ proxied, req }: Capture): Ask {
  return proxied?.asked ? askOf(proxied.asked) : readAsk(req)
}

function tellFlags({ usage_flags, provider }: Reading, { onFlags }: CompletionContext): void {
  if (usage_flags.length > 0) onFlags(usage_flags, provider)
}

/** The event with its cost: at once, but for the first ones, which wait for the prices. */
function priced(
  event: UnrecordedEvent,
  prices: CompletionContext['prices'],
): MaybePromise<UnrecordedEvent> {
  if (event.cost_source !== undefined) return event
  const ready = prices.ready()
  if (ready instanceof Promise) return ready.then(() => pricedNow(event, prices))
  return pricedNow(event, prices)
}

function pricedNow(event: UnrecordedEvent, prices: CompletionContext['prices']): UnrecordedEvent {
  priceEvent(event, (usage, at) => prices.price(usage, at))
  return event
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
    const org = org_id ?? context.orgOf(user_id ?? known.user_id)
    if (user_id === undefined && org === undefined) return known
    return {
      ...known,
      ...(user_id !== undefined && { user_id }),
      ...(org !== undefined && { org_id: org }),
    }
  })
}
