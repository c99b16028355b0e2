import { isTokenCount, type Extras } from '../event.js'
import { isObject, type JsonObject } from './json.js'
import { name } from './name.js'
import { modelOfPath, providerOfHost, type Origin } from './origin.js'

export { name }

/** Token figures in the normal form: cache inside input, reasoning inside output. */
export interface TokenFigures extends Extras {
  input_tokens?: number
  output_tokens?: number
  cache_read_tokens?: number
  cache_write_tokens?: number
  /** The part of cache_write_tokens that is kept for an hour, at its own price; absent when none. */
  cache_write_1h_tokens?: number
  reasoning_tokens?: number
}

/** What a response tells about the provider's work, gathered payload by payload. */
export interface Reading {
  /** Where the payloads came from, if whoever saw the call knows. */
  origin?: Origin | undefined
  provider?: string | undefined
  /** The origin tells the provider: no payload can change it. */
  provider_is_told?: boolean
  model?: string | undefined
  generation_id?: string | undefined
  /** As the provider names it: 'batch', 'flex', 'priority', 'standard', … */
  service_tier?: string | undefined
  tokens: TokenFigures
  /** What the provider says it bills, where that differs from what its model saw (Cohere). */
  billed?: { input_tokens?: number; output_tokens?: number }
  /** Figures of earlier answers in the same response, and their cost; added up in the end. */
  earlier?: TokenFigures
  earlier_cost_usd?: number
  /** The provider's own total, US dollars. */
  cost_usd?: number
  /** False while a stream has only told part of its output figure. */
  output_is_final: boolean
  /** Provider's short error code; set when the payload is an error. */
  error_type?: string
  /** Completion text, kept only until it is counted. */
  text: string[]
  text_length: number
  /**
   * An answer came in which neither text nor figures were recognised: if there is text now, it may
   * not all be the model's.
   */
  is_unread?: boolean
  /** Figures that were dropped: 'input_tokens_invalid', 'total_tokens_invalid', … */
  usage_flags: string[]
  /** The last usage object's total is not the sum of its parts. */
  total_is_off: boolean
}

export function emptyReading(origin?: Origin): Reading {
  const reading: Reading = {
    tokens: {},
    output_is_final: false,
    text: [],
    text_length: 0,
    usage_flags: [],
    total_is_off: false,
  }
  if (origin === undefined) return reading
  const { host, path, provider, model } = origin
  const told = name(provider) ?? (host === undefined ? undefined : providerOfHost(host))
  reading.origin = origin
  reading.provider = told
  reading.provider_is_told = told !== undefined
  reading.model = name(model) ?? (path === undefined ? undefined : modelOfPath(path))
  return reading
}

/**
 * Says whose a payload is. Where the call went outweighs what the payload looks like; a `sure` mark
 * in the payload outweighs a guess.
 */
export function sayProvider(reading: Reading, provider: string | undefined, sure = false): void {
  if (provider === undefined || reading.provider_is_told === true) return
  if (sure || reading.provider === undefined) reading.provider = provider
}

/** Takes the model that a payload names; on Bedrock the one in the URL is the one that was billed. */
export function sayModel(reading: Reading, model: unknown): void {
  if (model === undefined || model === reading.model) return
  if (reading.origin !== undefined && reading.provider === 'bedrock' && reading.model) return
  reading.model = name(model) ?? reading.model
}

/** Completion text beyond this many characters is not kept; the count is then an estimate. */
export const maxTextLength = 4 * 1024 * 1024

export function addText(reading: Reading, text: unknown): void {
  if (typeof text !== 'string' || text.length === 0) return
  reading.text_length += text.length
  if (reading.text_length <= maxTextLength) reading.text.push(text)
}

/** Keeps an object that the model produced (a tool call's arguments) as its JSON, unless it is empty. */
export function addJson(reading: Reading, value: unknown): void {
  if (!isObject(value) || Object.keys(value).length === 0) return
  try {
    addText(reading, JSON.stringify(value))
  } catch {
    // Nested deeper than the stack: not counted.
  }
}

/** Notes, once, that a figure was dropped. */
export function flag(reading: Reading, what: string): void {
  if (!reading.usage_flags.includes(what)) reading.usage_flags.push(what)
}

/**
 * The token figure at `key`; impossible ones (negative, broken, above a billion) are dropped and
 * flagged under their name in the normal form, absent ones are undefined.
 */
export function figure(
  usage: JsonObject | undefined,
  key: string,
  reading: Reading,
  field: keyof TokenFigures | 'total_tokens',
): number | undefined {
  const value = usage?.[key]
  if (value === undefined || value === null) return undefined
  if (isTokenCount(value)) return value
  flag(reading, `${field}_invalid`)
  return undefined
}

/** Whether a provider's own figures are there, and complete. */
export function hasFigures({ output_is_final, tokens }: Reading): boolean {
  return output_is_final && tokens.input_tokens !== undefined
}

const code = /^[\w.:-]{1,64}$/

/** The code of an error that has none of its own. */
export const unnamedError = 'provider_error'

/** The short code of an error payload (`{ error: { type, code } }`), never its message. */
export function errorType(error: unknown): string {
  if (!isObject(error)) return unnamedError
  for (const key of ['type', 'code', 'status']) {
    const value = error[key]
    if (typeof value === 'string' && code.test(value)) return value
  }
  return unnamedError
}

/** Leaves out what is undefined: absent facts are absent. */
export function nonEmpty<T extends object>(
  facts: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(facts).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}
