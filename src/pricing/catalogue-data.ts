import * as z from 'zod'
import { rateOfUsd, type Rate, type Rates } from './rates.js'

const usd = z.number().min(0).max(1_000_000)
const price = z.union([
  usd,
  z.object({
    base: usd,
    tiers: z.array(z.object({ start: z.int().min(0), price: usd })).max(100),
  }),
])
const prices = z.record(z.string(), price)
const time = /^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.\d+)?Z$/
const constraint = z.union([
  z.object({ start_date: z.iso.date() }),
  z.object({ start_time: z.string().regex(time), end_time: z.string().regex(time) }),
])
const conditional = z.object({ constraint: constraint.optional(), prices })

/** How a model is told by its name; compared in lower case. */
export type Match =
  | { or: Match[] }
  | { and: Match[] }
  | { equals: string }
  | { starts_with: string }
  | { ends_with: string }
  | { contains: string }
  | { regex: string }

const match: z.ZodType<Match> = z.lazy(() =>
  z.union([
    z.object({ or: z.array(match).max(1000) }),
    z.object({ and: z.array(match).max(1000) }),
    z.object({ equals: z.string() }),
    z.object({ starts_with: z.string() }),
    z.object({ ends_with: z.string() }),
    z.object({ contains: z.string() }),
    z.object({ regex: z.string().max(1000).refine(isRegex, 'must be a regular expression') }),
  ]),
)

const model = z.object({
  id: z.string().min(1).max(512),
  match,
  prices: z.union([z.array(conditional).min(1).max(1000), prices]),
})

/** The part of a provider's data that is used; as `@pydantic/genai-prices` publishes it. */
export const providerData = z.object({
  id: z.string().min(1).max(128),
  models: z.array(model).max(100_000),
  fallback_model_providers: z.array(z.string()).max(100).optional(),
})

export type ProviderData = z.infer<typeof providerData>
export type ModelData = ProviderData['models'][number]

/** When prices apply: the last of a model's list whose condition holds, else its first. */
export interface TimedRates {
  /** From this instant on, epoch ms. */
  readonly from?: number
  /** Daily, seconds after midnight UTC, half open; may pass midnight. */
  readonly daily?: { readonly start: number; readonly end: number }
  readonly rates: Rates
}

/** A model's prices, ready for arithmetic. */
export function ratesOfModel({ id, prices: given }: ModelData): TimedRates[] {
  if (!Array.isArray(given)) return [{ rates: ratesOf(given, id) }]
  return given.map(({ constraint: when, prices: some }) => {
    const rates = ratesOf(some, id)
    if (when === undefined) return { rates }
    if ('start_date' in when) return { from: Date.parse(when.start_date), rates }
    return { daily: { start: seconds(when.start_time), end: seconds(when.end_time) }, rates }
  })
}

/** Of several prices, those that apply at a moment. */
export function ratesAt(timed: readonly TimedRates[], at: Date): Rates | undefined {
  for (let i = timed.length - 1; i >= 0; i--) {
    const one = timed[i]
    if (one !== undefined && applies(one, at)) return one.rates
  }
  return timed[0]?.rates
}

function applies({ from, daily }: TimedRates, at: Date): boolean {
  if (from !== undefined) return at.getTime() >= from
  if (daily === undefined) return true
  const second = (at.getTime() / 1000) % 86_400
  const { start, end } = daily
  return end < start ? second >= start || second < end : second >= start && second < end
}

function ratesOf(given: z.infer<typeof prices>, id: string): Rates {
  const input = rateOf(given.input_mtok)
  const cache_write = rateOf(given.cache_write_mtok)
  return {
    input,
    output: rateOf(given.output_mtok),
    cache_read: rateOf(given.cache_read_mtok),
    cache_write,
    cache_write_1h: rateOf(given.cache_write_1h_mtok) ?? hourOfClaude(id, input, cache_write),
    reasoning: rateOf(given.output_reasoning_mtok),
    input_audio: rateOf(given.input_audio_mtok),
    input_image: rateOf(given.input_image_mtok),
    output_audio: rateOf(given.output_audio_mtok),
    output_image: rateOf(given.output_image_mtok),
    cache_read_audio: rateOf(given.cache_audio_read_mtok),
    cache_read_image: rateOf(given.cache_image_read_mtok),
    request: feeOf(given.requests_kcount),
    web_search: feeOf(given.web_searches_kcount),
    file_search: feeOf(given.storage_searches_kcount),
  }
}

/** Dollars for a thousand to nano-dollars for one. */
function feeOf(given: z.infer<typeof price> | undefined): number | undefined {
  return typeof given === 'number' ? Math.round(given * 1e6) : undefined
}

/**
 * Where the catalogue has no 1-hour price of a Claude model: twice its input price.
 * https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing
 */
function hourOfClaude(id: string, input?: Rate, cacheWrite?: Rate): Rate | undefined {
  if (!id.includes('claude') || input === undefined || cacheWrite === undefined) return undefined
  const tiers = input.tiers.map(({ above, rate }) => ({ above, rate: 2 * rate }))
  return { base: 2 * input.base, tiers }
}

function rateOf(given: z.infer<typeof price> | undefined): Rate | undefined {
  if (given === undefined) return undefined
  if (typeof given === 'number') return { base: rateOfUsd(given), tiers: [] }
  const tiers = given.tiers
    .map(({ start, price: of }) => ({ above: start, rate: rateOfUsd(of) }))
    .sort((a, b) => a.above - b.above)
  return { base: rateOfUsd(given.base), tiers }
}

function seconds(text: string): number {
  const [hours = 0, minutes = 0, rest = 0] = text.replace('Z', '').split(':').map(Number)
  return hours * 3600 + minutes * 60 + rest
}

function isRegex(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp
  } catch {
    return false
  }
}
