import type { IncomingMessage } from 'node:http'
import { isObject, type JsonObject } from '../capture/json.js'
import type { Price } from '../pricing/priced-usage.js'
import type { Amount } from './amount.js'

/** What an operation is taken to send, and to produce, at most where the request does not say, tokens. */
const tokensUntold = 32_768

const outputKeys = [
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'maxTokens',
  'maxOutputTokens',
] as const

/**
 * The most that a request can use: a token is at least a byte of what is sent, and what is produced
 * is bounded by the request's own `max_tokens` (as parsed before the meter saw it) times the answers
 * asked for. A model without a price costs nothing that could be held.
 */
export function upperBound(req: IncomingMessage & { body?: unknown }, price: Price, now: number) {
  const body = bodyOf(req)
  const input_tokens = bytesOf(req) ?? tokensUntold
  const output_tokens = (askedOutput(body) ?? tokensUntold) * Math.max(1, whole(body.n) ?? 1)
  const model = typeof body.model === 'string' ? body.model : undefined
  const amount: Amount = {
    requests: 1,
    tokens: input_tokens + output_tokens,
    cost: model === undefined ? 0 : dearest({ model, input_tokens, output_tokens }, price, now),
  }
  return amount
}

/** Prompts that are written to a cache, sound and images cost more than others. */
function dearest(
  usage: { model: string; input_tokens: number; output_tokens: number },
  price: Price,
  now: number,
): number {
  const at = new Date(now)
  const written = { cache_write_tokens: usage.input_tokens }
  const kept = { ...written, cache_write_1h_tokens: usage.input_tokens }
  const { input_tokens, output_tokens } = usage
  const sound = { input_audio_tokens: input_tokens, output_audio_tokens: output_tokens }
  const images = { input_image_tokens: input_tokens, output_image_tokens: output_tokens }
  const costs = [{}, written, kept, sound, images].map(
    (more) => price({ ...usage, ...more }, at).cost_nano_usd ?? 0,
  )
  return Math.max(...costs)
}

/** What a request has parsed of its body, before the meter saw it. */
export function bodyOf({ body }: { body?: unknown }): JsonObject {
  return isObject(body) ? body : {}
}

/** The tokens that a request lets be produced at most; undefined where it does not say. */
export function askedOutput(body: JsonObject): number | undefined {
  const nested = [body.generationConfig, body.inferenceConfig, body.options]
  for (const place of [body, ...nested]) {
    if (!isObject(place)) continue
    for (const key of outputKeys) {
      const told = whole(place[key])
      if (told !== undefined) return told
    }
  }
  return undefined
}

/** How long a body is, bytes; undefined for one that is to come in pieces, or encoded, and unpack. */
export function bytesOf(req: IncomingMessage & { body?: unknown }): number | undefined {
  const { headers, body } = req
  const told = whole(Number(headers['content-length'] ?? 0))
  const isPlain = headers['content-encoding'] === undefined || told === 0
  if (headers['transfer-encoding'] === undefined && told !== undefined && isPlain) return told
  if (body instanceof Uint8Array) return body.byteLength
  if (typeof body === 'string') return Buffer.byteLength(body)
  return isObject(body) ? Buffer.byteLength(JSON.stringify(body)) : undefined
}

function whole(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined
}
