import { derivedId, putExtras, type EventStatus, type UnrecordedEvent } from '../event.js'
import type { Capture, Ending, Subject } from './capture.js'
import { providerOfModel } from './provider-of-model.js'
import type { Work } from './provider-work.js'
import { name, unnamedError, type Reading, type TokenFigures } from './reading.js'
import type { Ask } from './prompt.js'
import type { Settled } from './settle-tokens.js'
import { modelShare, serviceTierOf } from './shares.js'

/** Everything known of a finished operation. */
export interface Outcome {
  capture: Capture
  ending: Ending
  reading: Reading
  work: readonly Work[]
  ask: Ask
  model: string | undefined
  failed: boolean
  subject: Subject
  tier: string
}

/** The event of a finished operation; absent facts stay absent. */
export function eventOf(outcome: Outcome, settled: Settled): UnrecordedEvent {
  const { capture, ending, subject, tier } = outcome
  const event: UnrecordedEvent = {
    _id: idOf(outcome, settled),
    user_id: subject.user_id,
    tier,
    endpoint: capture.operation.endpoint,
    operation_type: capture.operation.type,
    input_tokens: settled.input_tokens,
    output_tokens: settled.output_tokens,
    tokens_used: settled.input_tokens + settled.output_tokens,
    token_source: settled.token_source,
    cost_nano_usd: settled.cost.cost_nano_usd,
    success: !outcome.failed,
    status: statusOf(outcome),
    status_code: ending.status_code,
    response_time_ms: Math.round(ending.elapsed_ms),
    stream: isStream(capture),
    response_bytes: capture.responseBytes,
    attempts: attemptsOf(outcome, settled),
    timestamp: new Date(capture.started_at),
  }
  if (settled.cost.cost_source !== undefined) event.cost_source = settled.cost.cost_source
  addParts(event, settled.figures)
  if (subject.org_id !== undefined) event.org_id = subject.org_id
  if (settled.shares.length > 1) event.models = settled.shares.map(modelShare)
  addProviderFacts(event, outcome, settled)
  addHostFacts(event, capture)
  return event
}

/**
 * Retries that the host answers from memory share one id per user and key. What was refused, or failed
 * before it used anything, left nothing to answer from: the retry after it is the one that counts.
 */
function idOf({ capture, subject, failed }: Outcome, settled: Settled): string {
  const key = capture.idempotencyKey
  const usedNothing = settled.input_tokens + settled.output_tokens === 0
  if (key === undefined || (failed && usedNothing)) return capture.id
  return derivedId(`retry\0${subject.user_id}`, key)
}

function addParts(event: UnrecordedEvent, figures: TokenFigures): void {
  const { cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, reasoning_tokens } = figures
  if (cache_read_tokens !== undefined) event.cache_read_tokens = cache_read_tokens
  if (cache_write_tokens !== undefined) event.cache_write_tokens = cache_write_tokens
  if (cache_write_1h_tokens !== undefined) event.cache_write_1h_tokens = cache_write_1h_tokens
  if (reasoning_tokens !== undefined) event.reasoning_tokens = reasoning_tokens
  putExtras(event, figures)
}

function addProviderFacts(event: UnrecordedEvent, outcome: Outcome, settled: Settled): void {
  const { capture, ending, reading } = outcome
  const { provider, model, generation_id } = workerOf(outcome, settled)
  if (provider !== undefined) event.provider = provider
  if (model !== undefined) event.model = model
  if (generation_id !== undefined) event.generation_id = generation_id
  const [share] = settled.shares
  const service_tier = share ? serviceTierOf(share.parts) : reading.service_tier
  if (settled.shares.length < 2 && service_tier !== undefined) event.service_tier = service_tier
  const flags = flagsOf(outcome)
  if (flags.length > 0) event.usage_flags = flags.slice(0, 20)
  const error_type = errorOf(ending, reading, capture.refusal ?? capture.proxied?.failure)
  if (error_type !== undefined) event.error_type = error_type
  const firstToken = firstTokenMs(capture)
  if (firstToken !== undefined) event.time_to_first_token_ms = firstToken
}

/** What was dropped of the figures of the answer and of the provider calls. */
function flagsOf({ reading, work }: Outcome): readonly string[] {
  if (work.length === 0) return reading.usage_flags
  return [
    ...new Set([reading, ...work.map((one) => one.reading)].flatMap((one) => one.usage_flags)),
  ]
}

/** Who did the work, or most of it: as annotated, as the host's calls show, as the answer says. */
function workerOf({ capture, reading, model, work }: Outcome, settled: Settled) {
  const { annotations } = capture
  const most = settled.shares[0]
  const call = most ?? (reading.model === undefined ? work.at(-1) : undefined)
  const named = annotations.model ?? call?.model ?? model
  const called = annotations.model === undefined || annotations.model === call?.model
  return {
    model: named,
    provider:
      annotations.provider ??
      (called ? call?.provider : undefined) ??
      reading.provider ??
      providerOfModel(named),
    generation_id:
      most?.parts.findLast((part) => part.generation_id !== undefined)?.generation_id ??
      reading.generation_id ??
      name(capture.proxied?.generation_id),
  }
}

/** The provider calls that were seen, and one that was not if only the answer tells of it. */
function attemptsOf({ capture, work }: Outcome, settled: Settled): number {
  if (work.length === 0 && settled.shares.length === 0) return capture.proxied?.attempts ?? 1
  const counted = settled.shares.reduce((sum, share) => sum + share.parts.length, 0)
  return Math.max(capture.proxied?.attempts ?? 1, work.length, counted)
}

function addHostFacts(event: UnrecordedEvent, capture: Capture): void {
  const { queue_wait_ms, conversation_id, tools_used, metadata } = capture.annotations
  if (queue_wait_ms !== undefined) event.queue_wait_ms = queue_wait_ms
  if (conversation_id !== undefined) event.conversation_id = conversation_id
  if (tools_used !== undefined) event.tools_used = tools_used
  if (metadata !== undefined) event.metadata = metadata
  const bytes = Number(capture.req.headers['content-length'])
  if (Number.isSafeInteger(bytes) && bytes >= 0) event.request_bytes = bytes
}

function statusOf({ failed, ending, capture }: Outcome): EventStatus {
  if (capture.refusal !== undefined) return 'blocked'
  if (!failed) return 'ok'
  return ending.finished ? 'error' : 'aborted'
}

function errorOf(ending: Ending, reading: Reading, failure?: string): string | undefined {
  const isRefusal = ending.status_code >= 400
  // The host's own `{ error: 'no prompt' }` has no code but its status.
  const isNamed = reading.error_type !== unnamedError || !isRefusal
  if (reading.error_type !== undefined && isNamed) return reading.error_type
  if (failure !== undefined) return failure
  if (!ending.finished) return 'aborted'
  return isRefusal ? `http_${ending.status_code}` : undefined
}

function isStream(capture: Capture): boolean {
  const kind = capture.reader?.kind
  if (kind === 'sse' || kind === 'ndjson' || kind === 'eventstream') return true
  return kind === 'text' && capture.body.timed > 1
}

/** Time from request start to the first chunk with text, for streams. */
function firstTokenMs(capture: Capture): number | undefined {
  const offset = capture.reader?.firstTextOffset
  if (!isStream(capture) || offset === undefined || capture.encoded) return undefined
  const at = capture.body.timeAt(offset)
  return at === undefined ? undefined : Math.max(0, Math.round(at - capture.startedElapsed))
}
