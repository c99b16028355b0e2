import { isTokenCount } from '../event.js'
import { isObject, type JsonObject } from './json.js'

/** Token figures in the normal form: cache inside input, reasoning inside output. */
export interface TokenFigures {
  input_tokens?: number
  output_tokens?: number
  cache_read_tokens?: number
  cache_write_tokens?: number
  cache_write_1h_tokens?: number
  reasoning_tokens?: number
}

/** What a response tells about the provider's work, gathered payload by payload. */
export interface Reading {
  provider?: string | undefined
  model?: string | undefined
  generation_id?: string | undefined
  /** As the provider names it: `batch`, `flex`, `priority` … */
  service_tier?: string | undefined
  tokens: TokenFigures
  cost_usd?: number
  /** False while a stream has only told part of its output figure. */
  output_is_final: boolean
  /** Provider's short error code; set when the payload is an error. */
  error_type?: string
  /** Completion text, kept only until it is counted. */
  text: string[]
  text_length: number
  /** Figures that were dropped as impossible. */
  invalid_figures: number
}

export function emptyReading(): Reading {
  return { tokens: {}, output_is_final: false, text: [], text_length: 0, invalid_figures: 0 }
}

/** Completion text beyond this many characters is not kept; the count is then an estimate. */
export const maxTextLength = 4 * 1024 * 1024

export function addText(reading: Reading, text: unknown): void {
  if (typeof text !== 'string' || text.length === 0) return
  reading.text_length += text.length
  if (reading.text_length <= maxTextLength) reading.text.push(text)
}

/** The token figure at `key`; impossible ones are dropped and counted, absent ones are undefined. */
export function figure(usage: JsonObject | undefined, key: string, reading: Reading) {
  const value = usage?.[key]
  if (value === undefined || value === null) return undefined
  if (isTokenCount(value)) return value
  reading.invalid_figures += 1
  return undefined
}

/** A provider's name for a model or generation: short, printable, or not believed. */
export function name(value: unknown, maxLength = 256): string | undefined {
  if (typeof value !== 'string' || value.length === 0 || value.length > maxLength) return undefined
  return printable.test(value) ? value : undefined
}

const printable = /^[^\p{C}\p{Zl}\p{Zp}]+$/u
const code = /^[\w.:-]{1,64}$/

/** The short code of an error payload (`{ error: { type, code } }`), never its message. */
export function errorType(error: unknown): string {
  if (!isObject(error)) return 'provider_error'
  for (const key of ['type', 'code', 'status']) {
    const value = error[key]
    if (typeof value === 'string' && code.test(value)) return value
  }
  return 'provider_error'
}

/** Leaves out what is undefined: absent facts are absent. */
export function nonEmpty<T extends object>(
  facts: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(facts).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}
