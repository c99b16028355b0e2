import { hash } from 'node:crypto'
import * as z from 'zod'
import { allowedMetadata } from '../capture/annotations.js'
import { providerOfModel } from '../capture/provider-of-model.js'
import { nonEmpty } from '../capture/reading.js'
import { UsageError } from '../errors.js'
import { derivedId, maxTokens, extraFields, nanoUsd, type UnrecordedEvent } from '../event.js'
import { parseUserId } from '../identity/user-id.js'
import { dayMs, maxAheadMs } from '../time.js'

const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{C}\p{Zl}\p{Zp}]+$/u, 'must be printable')
const tokens = z.int().min(0).max(maxTokens)
const ms = z
  .number()
  .min(0)
  .max(30 * dayMs)
  .transform(Math.round)

/** Reads an `ExternalEventInput` that has an id. @internal */
export const externalEvent = z.strictObject({
  /** The caller's own id: the same id counts once. */
  id: text(256),
  user_id: z.string().transform((value, context) => {
    const id = parseUserId(value)
    if (id === undefined) context.addIssue('must be a non-empty user id of at most 256 characters')
    return id ?? ''
  }),
  operation_type: z.string().regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, _, - or .'),
  org_id: text(256).optional(),
  tier: text(64).optional(),
  endpoint: text(512).optional(),
  provider: text(64).optional(),
  model: text(256).optional(),
  input_tokens: tokens.optional(),
  output_tokens: tokens.optional(),
  cache_read_tokens: tokens.optional(),
  cache_write_tokens: tokens.optional(),
  cache_write_1h_tokens: tokens.optional(),
  reasoning_tokens: tokens.optional(),
  input_audio_tokens: tokens.optional(),
  input_image_tokens: tokens.optional(),
  output_audio_tokens: tokens.optional(),
  output_image_tokens: tokens.optional(),
  cache_read_audio_tokens: tokens.optional(),
  cache_read_image_tokens: tokens.optional(),
  web_searches: tokens.optional(),
  file_searches: tokens.optional(),
  service_tier: text(64).optional(),
  cost_usd: z.number().min(0).max(1_000_000).optional(),
  success: z.boolean().optional(),
  status: z.enum(['ok', 'error', 'aborted', 'blocked']).optional(),
  status_code: z.int().min(100).max(599).optional(),
  error_type: z
    .string()
    .regex(/^[\w.:-]{1,64}$/, 'must be a short code')
    .optional(),
  response_time_ms: ms.optional(),
  time_to_first_token_ms: ms.optional(),
  queue_wait_ms: ms.optional(),
  stream: z.boolean().optional(),
  generation_id: text(256).optional(),
  conversation_id: text(256).optional(),
  tools_used: z.array(text(128)).max(50).optional(),
  attempts: z.int().min(1).max(1000).optional(),
  timestamp: z.iso.datetime({ offset: true }).optional(),
  metadata: z.record(z.string().max(64), z.unknown()).optional(),
})

/** @internal */
export type ExternalEvent = z.infer<typeof externalEvent>

export interface ExternalContext {
  now: number
  /** Who sends it: an id counts once per sender. */
  sender: string
  metadataKeys: ReadonlySet<string>
  tierOf: (userId: string, tier: string | undefined) => string
  /** The organisation that an admin has set for a user; undefined: none. */
  orgOf: (userId: string) => string | undefined
  estimateOf: (operationType: string) => number
}

/**
 * Reads one event.
 * @throws UsageError `invalid_event`, naming the field and the rule
 */
export function parseExternalEvent(input: unknown, context: ExternalContext): UnrecordedEvent {
  const parsed = externalEvent.safeParse(input)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const keys = issue?.code === 'unrecognized_keys' ? issue.keys : []
    const field = [...(issue?.path ?? []), ...keys.slice(0, 1)].map(String).join('.')
    throw new UsageError('invalid_event', `${field || 'event'}: ${issue?.message ?? 'is invalid'}`)
  }
  const { data } = parsed
  const at = data.timestamp === undefined ? context.now : Date.parse(data.timestamp)
  if (!(at >= context.now - 35 * dayMs && at <= context.now + maxAheadMs)) {
    throw new UsageError(
      'invalid_event',
      'timestamp: must lie within 35 days back and 5 minutes ahead',
    )
  }
  if (
    data.success !== undefined &&
    data.status !== undefined &&
    data.success !== (data.status === 'ok')
  ) {
    throw new UsageError('invalid_event', 'status: contradicts success')
  }
  const contradiction = contradictionOf(data)
  if (contradiction !== undefined) throw new UsageError('invalid_event', contradiction)
  return eventOf(data, at, context)
}

/** What is a part of something cannot be more than it. */
function contradictionOf(data: ExternalEvent): string | undefined {
  const { input_tokens: input = 0, output_tokens: output = 0, reasoning_tokens = 0 } = data
  const { cache_read_tokens = 0, cache_write_tokens = 0, cache_write_1h_tokens = 0 } = data
  if (cache_write_1h_tokens > cache_write_tokens) {
    return 'cache_write_1h_tokens: is part of cache_write_tokens, and cannot be more'
  }
  if (cache_read_tokens + cache_write_tokens > input) {
    return 'cache_read_tokens: is part of input_tokens, as cache_write_tokens is, and cannot be more'
  }
  if (reasoning_tokens > output) {
    return 'reasoning_tokens: is part of output_tokens, and cannot be more'
  }
  return mediaContradictionOf(data)
}

function mediaContradictionOf(data: ExternalEvent): string | undefined {
  const { input_audio_tokens: heard = 0, input_image_tokens: seen = 0 } = data
  const { cache_read_audio_tokens = 0, cache_read_image_tokens = 0 } = data
  if (heard + seen > (data.input_tokens ?? 0)) {
    return 'input_audio_tokens: is part of input_tokens, as input_image_tokens is, and cannot be more'
  }
  const { output_audio_tokens = 0, output_image_tokens = 0 } = data
  if (output_audio_tokens + output_image_tokens > (data.output_tokens ?? 0)) {
    return 'output_audio_tokens: is part of output_tokens, as output_image_tokens is, and cannot be more'
  }
  if (cache_read_audio_tokens > heard) {
    return 'cache_read_audio_tokens: is part of input_audio_tokens, and cannot be more'
  }
  if (cache_read_image_tokens > seen) {
    return 'cache_read_image_tokens: is part of input_image_tokens, and cannot be more'
  }
  if (cache_read_audio_tokens + cache_read_image_tokens > (data.cache_read_tokens ?? 0)) {
    return 'cache_read_audio_tokens: is part of cache_read_tokens, as cache_read_image_tokens is, and cannot be more'
  }
  return undefined
}

function eventOf(data: ExternalEvent, at: number, context: ExternalContext): UnrecordedEvent {
  const status = data.status ?? (data.success === false ? 'error' : 'ok')
  const cost = nanoUsd(data.cost_usd)
  const { id, metadata } = data
  return {
    ...nonEmpty({ ...pick(data, carried), org_id: context.orgOf(data.user_id) ?? data.org_id }),
    _id: derivedId(context.sender, id),
    user_id: data.user_id,
    operation_type: data.operation_type,
    tier: context.tierOf(data.user_id, data.tier),
    endpoint: data.endpoint ?? `record:${data.operation_type}`,
    ...nonEmpty({ provider: data.provider ?? providerOfModel(data.model) }),
    ...tokensOf(data, status !== 'ok', context),
    cost_nano_usd: cost ?? null,
    ...(cost !== undefined && { cost_source: 'annotated' as const }),
    success: status === 'ok',
    status,
    stream: data.stream ?? false,
    attempts: data.attempts ?? 1,
    client_request_id: id,
    timestamp: new Date(at),
    ...nonEmpty({ metadata: metadata && allowedMetadata(metadata, context.metadataKeys) }),
    content_hash: fingerprint(data),
  }
}

/** The fields that are stored as they came. */
const carried = [
  'org_id',
  'model',
  'cache_read_tokens',
  'cache_write_tokens',
  'cache_write_1h_tokens',
  'service_tier',
  'reasoning_tokens',
  ...extraFields,
  'status_code',
  'error_type',
  'response_time_ms',
  'time_to_first_token_ms',
  'queue_wait_ms',
  'generation_id',
  'conversation_id',
  'tools_used',
] as const

function pick<T, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>
}

function tokensOf(data: ExternalEvent, failed: boolean, context: ExternalContext) {
  const { input_tokens, output_tokens } = data
  if (input_tokens === undefined && output_tokens === undefined) {
    const estimate = failed ? 0 : context.estimateOf(data.operation_type)
    const input = Math.floor(estimate / 2)
    return {
      input_tokens: input,
      output_tokens: estimate - input,
      tokens_used: estimate,
      token_source: estimate > 0 ? ('estimate' as const) : ('none' as const),
    }
  }
  const input = input_tokens ?? 0
  const output = output_tokens ?? 0
  return {
    input_tokens: input,
    output_tokens: output,
    tokens_used: input + output,
    token_source: 'annotated' as const,
  }
}

/** Metadata is the one part that may be anything: it may have no end, or be no JSON. */
function fingerprint(data: ExternalEvent): string {
  try {
    return hash('sha256', canonical(data), 'base64url').slice(0, 22)
  } catch (cause) {
    const rule = 'metadata: must be JSON, and not nested deeply'
    throw new UsageError('invalid_event', rule, { cause })
  }
}

/** JSON with sorted keys: what the caller sent, however ordered. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
