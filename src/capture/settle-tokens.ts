import type { CostSource, TokenSource } from '../event.js'
import { nanoUsd } from '../event.js'
import type { MaybePromise } from '../maybe-promise.js'
import type { TokenCounter } from '../tokens/counter.js'
import type { Capture, Ending } from './capture.js'
import type { Ask } from './prompt.js'
import type { Reading, TokenFigures } from './reading.js'

/** The token split as it will be stored, and where it came from. */
export interface Settled {
  tokens: TokenFigures & { input_tokens: number; output_tokens: number; tokens_used: number }
  token_source: TokenSource
  cost: { cost_nano_usd: number | null; cost_source?: CostSource }
}

interface Case {
  capture: Capture
  ending: Ending
  reading: Reading
  ask: Ask
  model: string | undefined
  failed: boolean
}

/**
 * The best token figures there are: the provider's own, else the host's annotation, else counted
 * by tiktoken, else the operation's estimate. A refused request with no figures used nothing.
 */
export function settleTokens(given: Case, counter: TokenCounter): MaybePromise<Settled> {
  const { reading, capture } = given
  const provider = reading.tokens
  const cost = costOf(reading, capture)
  if (reading.output_is_final && provider.input_tokens !== undefined) {
    return settled(provider, 'provider', cost)
  }
  const { input_tokens, output_tokens } = capture.annotations
  if (input_tokens !== undefined && output_tokens !== undefined) {
    return settled(annotatedFigures(capture), 'annotated', cost)
  }
  if (usedNothing(given)) return settled({}, 'none', cost)
  const known = {
    ...provider,
    input_tokens: provider.input_tokens ?? input_tokens,
    output_tokens: reading.output_is_final ? provider.output_tokens : output_tokens,
  }
  return countOrEstimate(given, known, cost, counter)
}

interface Known extends Omit<TokenFigures, 'input_tokens' | 'output_tokens'> {
  input_tokens: number | undefined
  output_tokens: number | undefined
}

async function countOrEstimate(
  { capture, reading, ask, model }: Case,
  known: Known,
  cost: Settled['cost'],
  counter: TokenCounter,
): Promise<Settled> {
  const { estimateTokens } = capture.operation
  const completion = reading.text.join('')
  const seesPrompt = known.input_tokens !== undefined || ask.prompt !== undefined
  const countable = estimateTokens > 0 && (seesPrompt || completion.length > 0)
  const count = countable
    ? await counter.count({
        ...(model !== undefined && { model }),
        ...(known.input_tokens === undefined && ask.prompt && { prompt: ask.prompt }),
        completion,
      })
    : null
  reading.text = []
  if (count === null) return settled(estimated(estimateTokens, known), 'estimate', cost)
  const output =
    known.output_tokens ?? Math.max(count.output_tokens, reading.tokens.output_tokens ?? 0)
  const input =
    known.input_tokens ?? (seesPrompt ? count.input_tokens : Math.max(0, estimateTokens - output))
  return settled(
    { ...known, input_tokens: input, output_tokens: output },
    seesPrompt ? count.token_source : 'estimate',
    cost,
  )
}

/** Half of the operation's estimate for what was sent, half for what came back. */
function estimated(estimateTokens: number, known: Known): TokenFigures {
  const input = Math.floor(estimateTokens / 2)
  return {
    input_tokens: known.input_tokens ?? input,
    output_tokens: known.output_tokens ?? estimateTokens - input,
  }
}

/** Refused before any work, or answered without a body: nothing was used. */
function usedNothing({ ending, reading, failed }: Case): boolean {
  if (ending.status_code === 304) return true
  return failed && ending.status_code >= 400 && reading.text_length === 0
}

function annotatedFigures({ annotations }: Capture): TokenFigures {
  const { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens } =
    annotations
  return {
    ...(input_tokens !== undefined && { input_tokens }),
    ...(output_tokens !== undefined && { output_tokens }),
    ...(cache_read_tokens !== undefined && { cache_read_tokens }),
    ...(cache_write_tokens !== undefined && { cache_write_tokens }),
    ...(reasoning_tokens !== undefined && { reasoning_tokens }),
  }
}

function costOf(reading: Reading, capture: Capture): Settled['cost'] {
  const reported = nanoUsd(reading.cost_usd)
  if (reported !== undefined) return { cost_nano_usd: reported, cost_source: 'provider' }
  const annotated = capture.annotations.cost_nano_usd
  if (annotated !== undefined) return { cost_nano_usd: annotated, cost_source: 'annotated' }
  return { cost_nano_usd: null }
}

function settled(figures: TokenFigures, token_source: TokenSource, cost: Settled['cost']): Settled {
  const input_tokens = figures.input_tokens ?? 0
  const output_tokens = figures.output_tokens ?? 0
  return {
    tokens: { ...figures, input_tokens, output_tokens, tokens_used: input_tokens + output_tokens },
    token_source,
    cost,
  }
}
