import { hash } from 'node:crypto'

/**
 * The one shape of a metered operation, from capture to JSON: a document of `usage_logs`.
 * Absent facts are absent, never null; the one exception is `cost_nano_usd`, where null says
 * "no price known".
 */
export interface UsageEvent extends Extras {
  /** The request id: UUIDv7 made at request start, or derived from the caller's own id. */
  _id: string
  user_id: string
  org_id?: string
  tier: string
  /** Route pattern, never the raw URL. */
  endpoint: string
  operation_type: string
  provider?: string
  model?: string
  /** Everything sent, cache included. */
  input_tokens: number
  /** Everything produced, reasoning included. */
  output_tokens: number
  cache_read_tokens?: number
  cache_write_tokens?: number
  /** Part of `cache_write_tokens`: written to be kept for an hour. */
  cache_write_1h_tokens?: number
  reasoning_tokens?: number
  /** Which of the provider's figures were dropped: negative, absurd or contradictory. */
  usage_flags?: string[]
  /** input_tokens + output_tokens. */
  tokens_used: number
  token_source: TokenSource
  /** How the provider served it, in its own words: `batch`, `flex`, `priority` … */
  service_tier?: string
  /** Integer billionths of a US dollar; null = no price known. */
  cost_nano_usd: number | null
  cost_source?: CostSource
  success: boolean
  status: EventStatus
  status_code?: number
  /** A short code, never a message. */
  error_type?: string
  response_time_ms?: number
  time_to_first_token_ms?: number
  queue_wait_ms?: number
  stream: boolean
  request_bytes?: number
  response_bytes?: number
  generation_id?: string
  conversation_id?: string
  tools_used?: string[]
  /** Provider calls made, 1 if unknown. */
  attempts: number
  /** What each model did, most tokens first; only when there were several. The sums are the event's. */
  models?: ModelShare[]
  /** The id under which the caller of `record` or `POST /events` knows the operation. */
  client_request_id?: string
  /** When the operation started. */
  timestamp: Date
  /** When its plan let it begin, where that was in a later minute: it counts there. */
  admitted_at?: Date
  /** When it was written, or last repriced, by the database's clock. */
  recorded_at: Date
  metadata?: Record<string, Scalar>
  /** Fingerprint of what the caller of `record` or `POST /events` sent, to tell repeats from conflicts. */
  content_hash?: string
  /** How often its cost has been rewritten since. */
  price_revision?: number
  /**
   * Set when the operation was recorded long after it happened (see rollup/freshness.ts), or by another
   * process than that which accepted it: no counter of limits may have been told of it.
   */
  late?: true
}

/** What is at a price of its own: tokens that are sound or images, and searches; absent when none. */
export interface Extras {
  /** Part of `input_tokens`. */
  input_audio_tokens?: number
  /** Part of `input_tokens`. */
  input_image_tokens?: number
  /** Part of `output_tokens`. */
  output_audio_tokens?: number
  /** Part of `output_tokens`. */
  output_image_tokens?: number
  /** Part of `cache_read_tokens` and of `input_audio_tokens`. */
  cache_read_audio_tokens?: number
  /** Part of `cache_read_tokens` and of `input_image_tokens`. */
  cache_read_image_tokens?: number
  /** Searches of the web that the provider made for it, beside all tokens. */
  web_searches?: number
  /** Searches of files that the provider keeps. */
  file_searches?: number
}

export const extraFields = [
  'input_audio_tokens',
  'input_image_tokens',
  'output_audio_tokens',
  'output_image_tokens',
  'cache_read_audio_tokens',
  'cache_read_image_tokens',
  'web_searches',
  'file_searches',
] as const satisfies readonly (keyof Extras)[]

/** `error_type` of an operation whose process ended before it did, or was taken for dead. */
export const processDied = 'process_died'

/** Puts what is at a price of its own into `into`; what there was none of stays absent. */
export function putExtras(
  into: Extras,
  from: { readonly [Field in keyof Extras]?: number | undefined },
): void {
  for (const field of extraFields) {
    const value = from[field]
    if (value !== undefined && value !== 0) into[field] = value
  }
}

/** One model's share of an operation. */
export interface ModelShare extends Extras {
  provider?: string
  model?: string
  attempts: number
  input_tokens: number
  output_tokens: number
  cache_read_tokens: number
  cache_write_tokens: number
  cache_write_1h_tokens?: number
  reasoning_tokens: number
  service_tier?: string
  cost_nano_usd: number | null
  cost_source?: CostSource
}

/** Final figures of an operation that was recorded with an estimate, as the provider gives them. */
export interface Correction {
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_tokens?: number
  readonly reasoning_tokens?: number
  /** Null where it is not told: that of the estimate is none of these figures. */
  readonly cost_nano_usd: number | null
}

export type TokenSource = 'provider' | 'annotated' | 'tokenizer' | 'estimate' | 'none'
/**
 * Where a cost comes from: reported by the provider, given by the host, computed from the host's
 * own price, or from the catalogue's.
 */
export type CostSource = 'provider' | 'annotated' | 'override' | 'catalogue'
export type EventStatus = 'ok' | 'error' | 'aborted' | 'blocked'
export type Scalar = string | number | boolean

/** An event before the ledger has stamped it. */
export type UnrecordedEvent = Omit<UsageEvent, 'recorded_at'>

/** The largest token figure that is believed (a billion); anything above is a fault at its source. */
export const maxTokens = 1_000_000_000

/** True for a token figure that can be stored: a whole number from 0 to a billion. */
export function isTokenCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= maxTokens
}

/** US dollars (a provider's or a host's float) to integer nano-dollars; undefined if not believable. */
export function nanoUsd(usd: unknown): number | undefined {
  if (typeof usd !== 'number' || !Number.isFinite(usd) || usd < 0 || usd > 1_000_000)
    return undefined
  return Math.round(usd * 1e9)
}

export function usdOf(nano: number): number {
  return nano / 1e9
}

/** A stable `_id` in UUID form (version 8: custom) from a name and the scope it is unique in. */
export function derivedId(scope: string, name: string): string {
  const hex = hash('sha256', `${scope}\0${name}`)
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16)
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`]
  return [...parts, `${variant}${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-')
}
