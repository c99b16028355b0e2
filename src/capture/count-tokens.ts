import type { TokenSource } from '../event.js'
import type { PromptText, TokenCounter } from '../tokens/counter.js'
import type { Reading, TokenFigures } from './reading.js'

/** What is to be counted, since nobody said how much it was. */
export interface Countable {
  readonly reading: Reading
  readonly prompt: PromptText | undefined
  readonly model: string | undefined
  /** Booked where nothing can be counted. */
  readonly estimateTokens: number
}

/** The figures that are known although the whole is not. */
export interface Known extends Omit<TokenFigures, 'input_tokens' | 'output_tokens'> {
  input_tokens: number | undefined
  output_tokens: number | undefined
}

/** Figures, and where they came from. */
export interface Counted {
  readonly tokens: TokenFigures
  readonly token_source: TokenSource
}

/** Counts by tiktoken what is not known; estimates what cannot be seen. */
export async function countOrEstimate(
  { reading, prompt, model, estimateTokens }: Countable,
  known: Known,
  counter: TokenCounter,
): Promise<Counted> {
  const completion = reading.text.join('')
  const isUnread = reading.is_unread === true && known.output_tokens === undefined
  const seesPrompt = known.input_tokens !== undefined || prompt !== undefined
  const countable = estimateTokens > 0 && (seesPrompt || completion.length > 0)
  const count = countable
    ? await counter.count({
        ...(model !== undefined && { model }),
        ...(known.input_tokens === undefined && prompt && { prompt }),
        completion,
      })
    : null
  reading.text = []
  if (count === null) return { tokens: estimated(estimateTokens, known), token_source: 'estimate' }
  const counted = Math.max(count.output_tokens, reading.tokens.output_tokens ?? 0)
  const isNotSeen = isUnread && completion.length === 0
  const output = known.output_tokens ?? (isNotSeen ? halfOf(estimateTokens) : counted)
  const input =
    known.input_tokens ?? (seesPrompt ? count.input_tokens : Math.max(0, estimateTokens - output))
  return {
    tokens: { ...known, input_tokens: input, output_tokens: output },
    token_source: seesPrompt && !isUnread ? count.token_source : 'estimate',
  }
}

/** Half of the operation's estimate for what was sent, half for what came back. */
function estimated(estimateTokens: number, known: Known): TokenFigures {
  const output = halfOf(estimateTokens)
  return {
    input_tokens: known.input_tokens ?? estimateTokens - output,
    output_tokens: known.output_tokens ?? output,
  }
}

function halfOf(estimateTokens: number): number {
  return Math.ceil(estimateTokens / 2)
}
