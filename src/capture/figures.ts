import { isTokenCount, extraFields, nanoUsd, putExtras } from '../event.js'
import { flag, type Reading, type TokenFigures } from './reading.js'

/** One usage object as its provider counts, before it is brought into the normal form. */
export interface Counted {
  input?: number | undefined
  output?: number | undefined
  cacheRead?: number | undefined
  cacheWrite?: number | undefined
  cacheWrite1h?: number | undefined
  reasoning?: number | undefined
  /** Results of tools that went back to the model: sent, beside `input`. */
  toolUse?: number | undefined
  total?: number | undefined
  extras?: ExtraFigures | undefined
}

/** What of it is at a price of its own, as it was told. */
export type ExtraFigures = Partial<Record<(typeof extraFields)[number], number | undefined>>

/** How a provider counts. */
export interface Form {
  /** Whether `input` holds the cached tokens already. */
  cache: 'inside' | 'beside'
  /** Whether `output` holds the reasoning already; a total that fits only the other way decides. */
  reasoning: 'inside' | 'outside'
}

/**
 * Puts a usage object into the reading, in the normal form, in place of an earlier one: providers
 * repeat or replace their figures, they do not add. What a provider leaves out is 0, what was
 * dropped as impossible is absent.
 */
export function setFigures(reading: Reading, counted: Counted, form: Form): void {
  const { cacheRead, cacheWrite, cacheWrite1h, reasoning } = counted
  const beside = form.cache === 'beside' ? (cacheRead ?? 0) + (cacheWrite ?? 0) : 0
  const input =
    counted.input === undefined ? undefined : counted.input + (counted.toolUse ?? 0) + beside
  const extra = isOutside(counted, form, beside) ? (reasoning ?? 0) : 0
  const output = counted.output === undefined ? undefined : counted.output + extra
  reading.total_is_off = isTotalOff(counted, input, output, beside)
  const tokens: TokenFigures = {}
  if (input !== undefined) tokens.input_tokens = input
  if (output !== undefined) tokens.output_tokens = output
  setOrZero(tokens, 'cache_read_tokens', cacheRead, reading)
  setOrZero(tokens, 'cache_write_tokens', cacheWrite, reading)
  if (cacheWrite1h !== undefined && cacheWrite1h > 0) tokens.cache_write_1h_tokens = cacheWrite1h
  setOrZero(tokens, 'reasoning_tokens', reasoning, reading)
  if (counted.extras !== undefined) putExtras(tokens, counted.extras)
  reading.tokens = tokens
}

function setOrZero(
  tokens: TokenFigures,
  field: 'cache_read_tokens' | 'cache_write_tokens' | 'reasoning_tokens',
  value: number | undefined,
  { usage_flags }: Reading,
): void {
  if (value === undefined && usage_flags.length > 0 && usage_flags.includes(`${field}_invalid`))
    return
  tokens[field] = value ?? 0
}

/** Whether reasoning stands beside the output: as the total says, else as the provider does. */
function isOutside(counted: Counted, form: Form, beside: number): boolean {
  const { input, output, reasoning, total } = counted
  if (input === undefined || output === undefined || !reasoning) return false
  if (total !== undefined) {
    const sum = input + (counted.toolUse ?? 0) + output
    if (total === sum + reasoning || total === sum + beside + reasoning) return true
    if (total === sum || total === sum + beside) return false
  }
  return form.reasoning === 'outside'
}

/** Totals are taken with and without what stands beside the input: providers differ. */
function isTotalOff(
  { total }: Counted,
  input: number | undefined,
  output: number | undefined,
  beside: number,
): boolean {
  if (total === undefined || input === undefined || output === undefined) return false
  return total !== input + output && total !== input + output - beside
}

/** A part of a figure, and the figure that it is part of. */
const parts = [
  ['cache_read_tokens', 'input_tokens'],
  ['cache_write_tokens', 'input_tokens'],
  ['cache_write_1h_tokens', 'cache_write_tokens'],
  ['reasoning_tokens', 'output_tokens'],
] as const

/** The same of sound and images, wholes first; with the part beside which it must have room, if any. */
const mediaParts = [
  ['input_audio_tokens', 'input_tokens', undefined],
  ['input_image_tokens', 'input_tokens', 'input_audio_tokens'],
  ['output_audio_tokens', 'output_tokens', undefined],
  ['output_image_tokens', 'output_tokens', 'output_audio_tokens'],
  ['cache_read_audio_tokens', 'input_audio_tokens', undefined],
  ['cache_read_audio_tokens', 'cache_read_tokens', undefined],
  ['cache_read_image_tokens', 'input_image_tokens', undefined],
  ['cache_read_image_tokens', 'cache_read_tokens', 'cache_read_audio_tokens'],
] as const

/**
 * Drops and flags what contradicts itself or passes a billion, once all payloads are read: a part
 * larger than its whole, cache reads and writes that together are more than was sent, a total that
 * is not the sum (only the total is dropped then), a cost that is none.
 */
export function checkFigures(reading: Reading): void {
  for (const field of counts) {
    const value = reading.tokens[field]
    if (value !== undefined && !isTokenCount(value)) drop(reading, field)
  }
  for (const [part, whole] of parts) {
    const { [part]: value, [whole]: of } = reading.tokens
    if (value !== undefined && of !== undefined && value > of) drop(reading, part)
  }
  const { input_tokens, cache_read_tokens = 0, cache_write_tokens = 0 } = reading.tokens
  if (input_tokens !== undefined && cache_read_tokens + cache_write_tokens > input_tokens) {
    drop(reading, 'cache_write_tokens')
  }
  if (hasExtras(reading.tokens)) checkExtras(reading)
  const { tokens } = reading
  if (tokens.cache_write_tokens === undefined && tokens.cache_write_1h_tokens !== undefined)
    delete tokens.cache_write_1h_tokens
  if (reading.total_is_off) flag(reading, 'total_tokens_invalid')
  if (reading.cost_usd !== undefined && nanoUsd(reading.cost_usd) === undefined) {
    delete reading.cost_usd
    flag(reading, 'cost_usd_invalid')
  }
}

function hasExtras(tokens: TokenFigures): boolean {
  return extraFields.some((field) => tokens[field] !== undefined)
}

/** The same for what is at a price of its own: what is part of two figures is nothing without them. */
function checkExtras(reading: Reading): void {
  for (const field of extraFields) {
    const value = reading.tokens[field]
    if (value !== undefined && !isTokenCount(value)) drop(reading, field)
  }
  for (const [part, whole, beside] of mediaParts) {
    const { [part]: value, [whole]: found } = reading.tokens
    const of = found ?? (part.startsWith('cache') ? 0 : Infinity)
    const room = of - (beside === undefined ? 0 : (reading.tokens[beside] ?? 0))
    if (value !== undefined && value > room) drop(reading, part)
  }
  tellCached(reading.tokens)
}

/**
 * What was cached beyond all text was images, or else sound: told per call, since the sum of several
 * does not tell it any more.
 */
function tellCached(tokens: TokenFigures): void {
  const { input_tokens, cache_read_tokens = 0 } = tokens
  const { input_audio_tokens: audio = 0, input_image_tokens: image = 0 } = tokens
  const { cache_read_audio_tokens: heard = 0, cache_read_image_tokens: seen = 0 } = tokens
  if (input_tokens === undefined || audio + image === 0) return
  const beyond = cache_read_tokens - heard - seen - (input_tokens - audio - image)
  if (beyond <= 0) return
  const more = Math.min(beyond, image - seen)
  putExtras(tokens, {
    cache_read_image_tokens: seen + more,
    cache_read_audio_tokens: Math.min(heard + beyond - more, audio),
  })
}

const counts = [
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'cache_write_1h_tokens',
  'reasoning_tokens',
] as const satisfies readonly (keyof TokenFigures)[]

const fields = [...counts, ...extraFields]

/** The figures of both, joined field by field where both have one. */
export function joinFigures(
  a: TokenFigures,
  b: TokenFigures,
  join: (x: number, y: number) => number,
): TokenFigures {
  const joined: TokenFigures = {}
  for (const field of fields) {
    const [x, y] = [a[field], b[field]]
    const value = x === undefined ? y : y === undefined ? x : join(x, y)
    if (value !== undefined) joined[field] = value
  }
  return joined
}

export const add = (x: number, y: number): number => x + y

function drop(reading: Reading, field: keyof TokenFigures): void {
  const kept = Object.entries(reading.tokens).filter(([key]) => key !== field)
  reading.tokens = Object.fromEntries(kept)
  flag(reading, `${field}_invalid`)
}
