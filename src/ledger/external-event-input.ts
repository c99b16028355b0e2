import type { EventStatus } from '../event.js'

/**
 * An operation that had no HTTP request, as `record` and `POST /events` take it. Tokens are whole
 * numbers; what is a part of something (cached, reasoning, sound, images) is contained in it.
 */
export interface ExternalEventInput {
  /** The caller's own id: the same id counts once. Left out: each call is a new one. */
  id?: string | undefined
  user_id: string
  operation_type: string
  org_id?: string | undefined
  tier?: string | undefined
  /** Default: `record:` and the operation's type. */
  endpoint?: string | undefined
  /** Default: that of the model, where it is known. */
  provider?: string | undefined
  model?: string | undefined
  /** Without it and `output_tokens`: the operation's estimate. */
  input_tokens?: number | undefined
  output_tokens?: number | undefined
  cache_read_tokens?: number | undefined
  cache_write_tokens?: number | undefined
  cache_write_1h_tokens?: number | undefined
  reasoning_tokens?: number | undefined
  input_audio_tokens?: number | undefined
  input_image_tokens?: number | undefined
  output_audio_tokens?: number | undefined
  output_image_tokens?: number | undefined
  cache_read_audio_tokens?: number | undefined
  cache_read_image_tokens?: number | undefined
  /** Searches that the provider made. */
  web_searches?: number | undefined
  file_searches?: number | undefined
  /** The way of being served: `batch`, `flex`, `priority` … */
  service_tier?: string | undefined
  /** What it cost, US dollars. Default: by price. */
  cost_usd?: number | undefined
  /** Default: that `status` is `ok`. */
  success?: boolean | undefined
  status?: EventStatus | undefined
  status_code?: number | undefined
  /** A short code. */
  error_type?: string | undefined
  response_time_ms?: number | undefined
  time_to_first_token_ms?: number | undefined
  queue_wait_ms?: number | undefined
  stream?: boolean | undefined
  generation_id?: string | undefined
  conversation_id?: string | undefined
  tools_used?: string[] | undefined
  /** Times that the call was sent to the provider. Default 1. */
  attempts?: number | undefined
  /** ISO 8601 with offset; at most 35 days back. Default: now. */
  timestamp?: string | undefined
  /** What is not allowed by the option `metadata` is left out. */
  metadata?: Record<string, unknown> | undefined
}
