import type { PricedUsage } from './priced-usage.js'

/**
 * The price of one kind of token, integer nano-dollars per million tokens: $3 per million is
 * 3,000,000,000. Above each tier's `above` input tokens the whole request is billed at its rate.
 */
export interface Rate {
  readonly base: number
  /** Ascending by `above`. */
  readonly tiers: readonly { readonly above: number; readonly rate: number }[]
}

/**
 * What a model charges. Where a rate is absent: cache reads and writes cost as input, 1-hour writes
 * as other writes, reasoning as output, sound and images as text, read from the cache too (but as
 * other sound and images where text has no cache rate either); without an input or output rate such
 * tokens have no price.
 */
export interface Rates {
  readonly input?: Rate | undefined
  readonly output?: Rate | undefined
  readonly cache_read?: Rate | undefined
  readonly cache_write?: Rate | undefined
  readonly cache_write_1h?: Rate | undefined
  readonly reasoning?: Rate | undefined
  readonly input_audio?: Rate | undefined
  readonly input_image?: Rate | undefined
  readonly output_audio?: Rate | undefined
  readonly output_image?: Rate | undefined
  readonly cache_read_audio?: Rate | undefined
  readonly cache_read_image?: Rate | undefined
  /** Added once per operation, nano-dollars. */
  readonly request?: number | undefined
  /** Added for each, nano-dollars, whatever the tier; nothing where it is absent. */
  readonly web_search?: number | undefined
  readonly file_search?: number | undefined
}

/** What is billed by the piece. */
export type Fees = Pick<Rates, 'request' | 'web_search' | 'file_search'>

/** A multiplier as a fraction of integers, such as 1/2 for batch processing. */
export interface Factor {
  readonly times: number
  readonly over: number
}

export const unchanged: Factor = { times: 1, over: 1 }

const million = 1_000_000

/** Dollars per million tokens to a rate; exact for prices of at most nine decimals. */
export function rateOfUsd(usdPerMillion: number): number {
  return Math.round(usdPerMillion * 1e9)
}

/**
 * The cost of one operation in integer nano-dollars, rounded once, half up; null where a kind of
 * token it used has no price. `context` is the prompt size that chooses the tier, `others` has the
 * fees on which `rates` are silent.
 */
export function costOf(
  usage: PricedUsage,
  rates: Rates,
  factor: Factor = unchanged,
  context = usage.input_tokens,
  others: Fees = rates,
): number | null {
  const { input, output } = rates
  const { input_tokens, output_tokens } = usage
  if ((input === undefined && input_tokens > 0) || (output === undefined && output_tokens > 0)) {
    return null
  }
  const sum = new Sum()
  addInput(sum, usage, rates, context)
  addOutput(sum, usage, rates, context)
  sum.add(million, rates.request ?? others.request ?? 0)
  const cost = sum.total(factor)
  if (cost === null) return null
  const { web_searches = 0, file_searches = 0 } = usage
  const web = web_searches * (rates.web_search ?? others.web_search ?? 0)
  return cost + web + file_searches * (rates.file_search ?? others.file_search ?? 0)
}

function addInput(sum: Sum, usage: PricedUsage, rates: Rates, context: number): void {
  const { input } = rates
  const { input_tokens } = usage
  const read = Math.min(usage.cache_read_tokens ?? 0, input_tokens)
  const written = Math.min(usage.cache_write_tokens ?? 0, input_tokens - read)
  const hour = Math.min(usage.cache_write_1h_tokens ?? 0, written)
  const write = rates.cache_write ?? input
  sum.add(written - hour, rateAt(write, context))
  sum.add(hour, rateAt(rates.cache_write_1h ?? write, context))
  if (!usage.input_audio_tokens && !usage.input_image_tokens) {
    sum.add(input_tokens - read - written, rateAt(input, context))
    sum.add(read, rateAt(rates.cache_read ?? input, context))
    return
  }
  const { text, audio, image } = inputByKind(usage, read, written)
  const { input_audio = input, input_image = input, cache_read } = rates
  sum.add(text.sent, rateAt(input, context))
  sum.add(text.read, rateAt(cache_read ?? input, context))
  sum.add(audio.sent, rateAt(input_audio, context))
  sum.add(audio.read, rateAt(rates.cache_read_audio ?? cache_read ?? input_audio, context))
  sum.add(image.sent, rateAt(input_image, context))
  sum.add(image.read, rateAt(rates.cache_read_image ?? cache_read ?? input_image, context))
}

/**
 * What was sent by kind, read from the cache and not. What is not told to be sound or images in the
 * cache is text, as far as there is text, then images; and so is what was written to it.
 */
function inputByKind(usage: PricedUsage, read: number, written: number) {
  const { input_tokens, input_audio_tokens = 0, input_image_tokens = 0 } = usage
  const audio = { sent: Math.min(input_audio_tokens, input_tokens), read: 0 }
  const image = { sent: Math.min(input_image_tokens, input_tokens - audio.sent), read: 0 }
  const text = { sent: input_tokens - audio.sent - image.sent, read: 0 }
  let left = read
  const take = (kind: { sent: number; read: number }, most: number) => {
    const taken = Math.min(most, kind.sent, left)
    kind.sent -= taken
    kind.read += taken
    left -= taken
  }
  take(audio, usage.cache_read_audio_tokens ?? 0)
  take(image, usage.cache_read_image_tokens ?? 0)
  for (const kind of [text, image, audio]) take(kind, left)
  let unplaced = written
  for (const kind of [text, image, audio]) {
    const taken = Math.min(kind.sent, unplaced)
    kind.sent -= taken
    unplaced -= taken
  }
  return { text, audio, image }
}

function addOutput(sum: Sum, usage: PricedUsage, rates: Rates, context: number): void {
  const { output } = rates
  const { output_tokens } = usage
  const audio = Math.min(usage.output_audio_tokens ?? 0, output_tokens)
  const image = Math.min(usage.output_image_tokens ?? 0, output_tokens - audio)
  const text = output_tokens - audio - image
  const thought = Math.min(usage.reasoning_tokens ?? 0, text)
  sum.add(text - thought, rateAt(output, context))
  sum.add(thought, rateAt(rates.reasoning ?? output, context))
  if (audio > 0) sum.add(audio, rateAt(rates.output_audio ?? output, context))
  if (image > 0) sum.add(image, rateAt(rates.output_image ?? output, context))
}

function rateAt(of: Rate | undefined, context: number): number {
  if (of === undefined) return 0
  const { base, tiers } = of
  let rate = base
  for (const tier of tiers) if (context > tier.above) rate = tier.rate
  return rate
}

/** Σ tokens × rate ÷ a million × factor, in integers throughout. */
class Sum {
  #sum = 0
  /** Whole only once the sum may have left the whole numbers that a float holds. */
  #exact: bigint | undefined

  add(tokens: number, rate: number): void {
    const next = this.#sum + tokens * rate
    // No float sum of whole numbers stays below 2^53 unless every step of it was exact.
    if (this.#exact === undefined && next > Number.MAX_SAFE_INTEGER) this.#exact = BigInt(this.#sum)
    if (this.#exact === undefined) this.#sum = next
    else this.#exact += BigInt(tokens) * BigInt(rate)
  }

  total({ times, over }: Factor): number | null {
    if (this.#exact === undefined && times === over) {
      const rest = this.#sum % million
      return (this.#sum - rest) / million + (rest * 2 >= million ? 1 : 0)
    }
    const exact = this.#exact ?? BigInt(this.#sum)
    const by = BigInt(million) * BigInt(over)
    const cost = Number((2n * exact * BigInt(times) + by) / (2n * by))
    return Number.isSafeInteger(cost) ? cost : null
  }
}
