import type { TokenSource } from '../event.js'
import { nanoUsd, putExtras } from '../event.js'
import { andThen, type MaybePromise } from '../maybe-promise.js'
import type { PriceBook } from '../pricing/price-book.js'
import type { TokenCounter } from '../tokens/counter.js'
import type { Capture, Ending } from './capture.js'
import { countOrEstimate } from './count-tokens.js'
import type { Ask } from './prompt.js'
import { partOfAnswer, partsOf, type Work } from './provider-work.js'
import { hasFigures, type Reading, type TokenFigures } from './reading.js'
import {
  costOfParts,
  pricedParts,
  sharesOf,
  sumOf,
  tokenSourceOf,
  type Cost,
  type Part,
  type Share,
} from './shares.js'

/** The token split as it will be stored, and where it came from. */
export interface Settled {
  input_tokens: number
  output_tokens: number
  /** As they were found: of these the cached and the reasoned ones are stored. */
  figures: TokenFigures
  token_source: TokenSource
  cost: Cost
  /** By model, most tokens first, where the figures are those of provider calls. */
  shares: readonly Share[]
}

export interface SettlingContext {
  readonly counter: TokenCounter
  readonly prices: Pick<PriceBook, 'ready' | 'price'>
}

interface Case {
  capture: Capture
  ending: Ending
  reading: Reading
  work: readonly Work[]
  ask: Ask
  model: string | undefined
  failed: boolean
}

/**
 * The best token figures there are: the provider's own (as the host's calls got them, else as the
 * answer hands them on: what is seen in both counts once), else the host's annotation, else counted
 * by tiktoken, else the operation's estimate. What was refused and gave no figures used nothing.
 */
export function settleTokens(
  given: Case,
  { counter, prices }: SettlingContext,
): MaybePromise<Settled> {
  const { reading, capture, work } = given
  const isReported = work.some((one) => one.isReported)
  const cost = costOf(reading, capture)
  if (!isReported && hasFigures(reading)) return settled(reading.tokens, 'provider', cost)
  if (isReported && work.every((one) => one.isReported || one.isFree)) {
    return settleWork(given, counter, prices)
  }
  const { input_tokens, output_tokens } = capture.annotations
  if (input_tokens !== undefined && output_tokens !== undefined) {
    return settled(annotatedFigures(capture), 'annotated', cost)
  }
  if (work.length > 0) return settleWork(given, counter, prices)
  if (usedNothing(given)) return settled({}, 'none', cost)
  return countAnswer(given, counter)
}

/** Adds up what the host's calls used. */
function settleWork(
  { capture, reading, work }: Case,
  counter: TokenCounter,
  prices: SettlingContext['prices'],
): MaybePromise<Settled> {
  reading.text = []
  const at = new Date(capture.started_at)
  const counted = partsOf(work, capture.operation.estimateTokens, counter)
  return andThen(
    andThen(prices.ready(), () => counted),
    (parts) => {
      const hasWritten = (sumOf(parts).output_tokens ?? 0) > 0
      const found = hasWritten ? parts : [...parts, ...unseenParts(reading, capture)]
      const all = pricedParts(found, (usage, when) => prices.price(usage, when), at)
      const cost = costOfParts(all)
      const known = cost.cost_nano_usd === null ? (annotatedCost(capture) ?? cost) : cost
      return settled(sumOf(all), tokenSourceOf(all), known, sharesOf(all))
    },
  )
}

/**
 * Embeddings do not write: where the answer or the host tells of output, it comes from a call that
 * was not seen.
 */
function unseenParts(reading: Reading, capture: Capture): Part[] {
  if (hasFigures(reading) && (reading.tokens.output_tokens ?? 0) > 0) return [partOfAnswer(reading)]
  const { provider, model, input_tokens, output_tokens } = capture.annotations
  if (input_tokens === undefined || (output_tokens ?? 0) === 0) return []
  return [
    {
      ...{ provider, model, generation_id: undefined, service_tier: undefined },
      ...{ tokens: annotatedFigures(capture), token_source: 'annotated' },
      cost: annotatedCost(capture) ?? unknownCost,
    },
  ]
}

async function countAnswer(
  { capture, reading, ask, model }: Case,
  counter: TokenCounter,
): Promise<Settled> {
  const { input_tokens, output_tokens } = capture.annotations
  const known = {
    ...reading.tokens,
    input_tokens: reading.tokens.input_tokens ?? input_tokens,
    output_tokens: reading.output_is_final ? reading.tokens.output_tokens : output_tokens,
  }
  const { estimateTokens } = capture.operation
  const countable = { reading, prompt: ask.prompt, model, estimateTokens }
  const { tokens, token_source } = await countOrEstimate(countable, known, counter)
  return settled(tokens, token_source, costOf(reading, capture))
}

/** Refused before any work, or sent elsewhere: nothing was used. */
function usedNothing({ capture, ending: { status_code }, failed }: Case): boolean {
  if (capture.neverServed) return true
  if (status_code >= 300 && status_code < 400) return true
  return failed && status_code >= 400
}

function annotatedFigures({ annotations }: Capture): TokenFigures {
  const { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens } =
    annotations
  const figures: TokenFigures = {
    ...(input_tokens !== undefined && { input_tokens }),
    ...(output_tokens !== undefined && { output_tokens }),
    ...(cache_read_tokens !== undefined && { cache_read_tokens }),
    ...(cache_write_tokens !== undefined && { cache_write_tokens }),
    ...(reasoning_tokens !== undefined && { reasoning_tokens }),
  }
  putExtras(figures, annotations)
  return figures
}

const noShares: readonly Share[] = []
const unknownCost: Cost = { cost_nano_usd: null }

function costOf(reading: Reading, capture: Capture): Cost {
  const reported = nanoUsd(reading.cost_usd)
  if (reported !== undefined) return { cost_nano_usd: reported, cost_source: 'provider' }
  return annotatedCost(capture) ?? unknownCost
}

function annotatedCost({ annotations: { cost_nano_usd } }: Capture): Cost | undefined {
  return cost_nano_usd === undefined ? undefined : { cost_nano_usd, cost_source: 'annotated' }
}

function settled(
  figures: TokenFigures,
  token_source: TokenSource,
  cost: Cost,
  shares: readonly Share[] = noShares,
): Settled {
  const input_tokens = figures.input_tokens ?? 0
  const output_tokens = figures.output_tokens ?? 0
  return {
    input_tokens,
    output_tokens,
    figures,
    token_source,
    cost,
    shares,
  }
}
