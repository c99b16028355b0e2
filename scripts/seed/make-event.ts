import { v7 as uuidv7 } from 'uuid'
import type { TokenSource, UsageEvent } from '../../src/event.js'
import { isLate } from '../../src/rollup/freshness.js'
import { hourMs } from '../../src/time.js'
import { catalogue, type Kind, type SeedModel } from './catalogue.js'
import type { Chance } from './chance.js'

export interface SeedUser {
  readonly user_id: string
  readonly org_id?: string
  readonly tier: string
  readonly favourite: SeedModel
}

const failedShare = 0.035
const abortedShare = 0.015
/** Events that a spool held back, and how long at most. */
const delayedShare = 0.0005
const maxDelayMs = 30 * hourMs

/** One operation of a user at an instant (epoch ms), recorded no later than `end`. */
export function makeEvent(chance: Chance, user: SeedUser, at: number, end: number): UsageEvent {
  const kind = chance.pick(catalogue.kinds)
  const facts = factsOf(chance, kind, user.favourite)
  const requestBytes = chance.logNormal(40 + 4 * kind.inputTokens, 0.5)
  const delay = chance.happens(delayedShare) ? chance.below(maxDelayMs) : 20 + chance.below(200)
  const timestamp = new Date(at)
  const recorded_at = new Date(Math.min(end, at + facts.response_time_ms + delay))
  return {
    _id: uuidv7({ msecs: at, random: chance.bytes() }),
    user_id: user.user_id,
    ...(user.org_id !== undefined && { org_id: user.org_id }),
    tier: user.tier,
    endpoint: kind.endpoint,
    operation_type: kind.type,
    ...facts,
    cost_nano_usd: null,
    request_bytes: requestBytes,
    attempts: 1,
    timestamp,
    recorded_at,
    ...(isLate(timestamp, recorded_at) && { late: true as const }),
  }
}

type Facts = Omit<
  UsageEvent,
  | '_id'
  | 'user_id'
  | 'tier'
  | 'endpoint'
  | 'operation_type'
  | 'cost_nano_usd'
  | 'attempts'
  | 'timestamp'
  | 'recorded_at'
  | 'late'
> & { response_time_ms: number }

function factsOf(chance: Chance, kind: Kind, favourite: SeedModel): Facts {
  if (chance.happens(failedShare)) return failed(chance)
  if (kind.type === 'upload') return uploaded(chance)
  const model = chance.happens(0.75) ? favourite : chance.pick(catalogue.models)
  const [source] = chance.pick(catalogue.sources)
  const tokens = tokensOf(chance, kind, model, source)
  const first = chance.logNormal(model.firstTokenMs, 0.45)
  const speed = model.tokensPerSecond / 1000
  const whole = first + chance.logNormal(1 + tokens.output_tokens / speed, 0.2)
  const facts = {
    provider: model.provider,
    model: model.model,
    ...tokens,
    token_source: source,
    stream: kind.stream,
    ...(kind.stream && { time_to_first_token_ms: first }),
    response_time_ms: whole,
    response_bytes: 300 + tokens.output_tokens * (kind.stream ? 190 : 5),
    status_code: 200,
  }
  if (!chance.happens(kind.stream ? 2 * abortedShare : abortedShare / 2)) {
    return { ...facts, success: true, status: 'ok' }
  }
  return { ...facts, success: false, status: 'aborted', error_type: 'aborted' }
}

function failed(chance: Chance): Facts {
  const { status, error_type, afterMs } = chance.pick(catalogue.failures)
  return {
    ...noTokens,
    success: false,
    status: 'error',
    status_code: status,
    error_type,
    stream: false,
    response_time_ms: chance.logNormal(afterMs, 0.4),
    response_bytes: 180,
  }
}

function uploaded(chance: Chance): Facts {
  return {
    ...noTokens,
    success: true,
    status: 'ok',
    status_code: 200,
    stream: false,
    response_time_ms: chance.logNormal(350, 0.8),
    response_bytes: 140,
  }
}

const noTokens = {
  input_tokens: 0,
  output_tokens: 0,
  tokens_used: 0,
  token_source: 'none',
} as const

/** Only providers tell what came from a cache and what was reasoning. */
function tokensOf(chance: Chance, kind: Kind, model: SeedModel, source: TokenSource) {
  const input_tokens = chance.logNormal(kind.inputTokens, 0.8)
  const output_tokens = chance.logNormal(kind.outputTokens, 0.7)
  const told = source === 'provider'
  const cached = told && chance.happens(model.cached)
  const share = chance.below(80) / 100
  return {
    input_tokens,
    output_tokens,
    tokens_used: input_tokens + output_tokens,
    ...(cached && { cache_read_tokens: Math.floor(input_tokens * share) }),
    ...(told && model.reasons && { reasoning_tokens: Math.floor(output_tokens * share) }),
  }
}
