import { encodingOf, type ModelEncoding } from './encoding.js'
import { imageTokens } from './images.js'
import { framePrompt, type PromptText } from './framing.js'

/** What to count. An absent `prompt` is one that nobody saw: 0 input tokens. */
export interface CountRequest {
  model?: string
  prompt?: PromptText
  completion?: string
}

/**
 * Tokens of a request. `token_source` is 'tokenizer' when the model has a public tokenizer and all
 * of it is text: images go by their makers' formulas.
 */
export interface TokenCount {
  input_tokens: number
  output_tokens: number
  token_source: 'tokenizer' | 'estimate'
}

/** Characters of one request that are counted; the rest is taken to be like them. 4 Mi UTF-16 units. */
export const maxRequestLength = 4 * 1024 * 1024

/** One side of a request, ready for the worker. */
interface Side {
  texts: readonly string[]
  /** Characters there were per character in `texts`. */
  scale: number
}

/** A request ready for the worker, and how to read the worker's counts. */
export interface PreparedRequest {
  model: ModelEncoding
  input: Side & { overhead: number; messageScale: number }
  output: Side
  hasImages: boolean
  /** Upper bound of the memory that the texts take. */
  bytes: number
}

/** Frames, bounds and sizes a request. Takes microseconds; keeps no reference to the request. */
export function prepare(request: CountRequest): PreparedRequest {
  const model = encodingOf(request.model)
  const framed = request.prompt
    ? framePrompt(request.prompt, model.encoding)
    : { texts: [], overhead: 0, images: [], scale: 1 }
  const completion: unknown = request.completion
  const outputTexts = typeof completion === 'string' && completion.length > 0 ? [completion] : []
  const inputLength = lengthOf(framed.texts)
  const outputLength = lengthOf(outputTexts)
  const share = Math.min(1, maxRequestLength / (inputLength + outputLength))
  const input = head(framed.texts, inputLength, share)
  const output = head(outputTexts, outputLength, share)
  return {
    model,
    input: {
      ...input,
      overhead: framed.overhead + imageTokens(framed.images, request.model),
      messageScale: framed.scale,
    },
    hasImages: framed.images.length > 0,
    output,
    bytes: 2 * (lengthOf(input.texts) + lengthOf(output.texts)),
  }
}

/** The token count of a prepared request, from the worker's counts of its texts. */
export function tokenCount(
  { model, input, output, hasImages }: PreparedRequest,
  counted: { input: number; output: number },
): TokenCount {
  const inputTokens =
    (counted.input * input.scale * model.factor + input.overhead) * input.messageScale
  const isWhole = input.scale === 1 && output.scale === 1 && input.messageScale === 1 && !hasImages
  return {
    input_tokens: Math.round(inputTokens),
    output_tokens: Math.round(counted.output * output.scale * model.factor),
    token_source: isWhole ? model.token_source : 'estimate',
  }
}

function lengthOf(texts: readonly string[]): number {
  let length = 0
  for (const text of texts) length += text.length
  return length
}

/** The first `share` of the texts by length. */
function head(texts: readonly string[], length: number, share: number): Side {
  if (share === 1) return { texts, scale: 1 }
  const kept: string[] = []
  let left = Math.floor(length * share)
  for (const text of texts) {
    if (left <= 0) break
    kept.push(text.slice(0, left))
    left -= text.length
  }
  return { texts: kept, scale: length === 0 ? 1 : length / lengthOf(kept) }
}
