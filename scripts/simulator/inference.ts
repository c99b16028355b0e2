import { Refusal, type ProviderName } from './dialect.js'
import { findModel, type Model } from './models.js'
import type { CachedTokens, PromptCache } from './prompt-cache.js'
import { seededRandom, seedOf } from './random.js'
import { composeReply } from './reply.js'
import { countTokens, tokenPieces, type Piece } from './tokens.js'
import type { TokenUsage } from './usage.js'

export interface Message {
  readonly role: string
  readonly text: string
  readonly name?: string | undefined
}

/** A chat request of any provider in one shape. */
export interface Prompt {
  readonly provider: ProviderName
  readonly model: string
  /** Instructions (system, developer) among them, in order. */
  readonly messages: readonly Message[]
  /** Tool definitions and the like: counted, not answered. */
  readonly appendix?: string
  readonly maxTokens?: number | undefined
  /** Anthropic: all text up to each `cache_control`. Undefined: cached unasked, as OpenAI does. */
  readonly cacheBreakpoints?: readonly string[]
}

export interface Completion {
  readonly model: Model
  readonly text: string
  /** The text as it streams; reasoning tokens come before and are not among these. */
  readonly pieces: readonly Piece[]
  /** The token limit cut the answer. */
  readonly truncated: boolean
  readonly usage: TokenUsage
}

const REASONING_STEP_TOKENS = 64

/** Output tokens in the order they are made: reasoning first, then the text. */
export function stepsOf({ pieces, usage }: Completion): number[] {
  return [usage.reasoning_tokens, ...pieces.map(({ tokens }) => tokens)]
}

/** Answers prompts: deterministic text for the same seed, and the tokens it takes. */
export class Inference {
  readonly #seed: number
  readonly #cache: PromptCache

  constructor(seed: number, cache: PromptCache) {
    this.#seed = seed
    this.#cache = cache
  }

  /** The model of that name; throws {@link Refusal} when the provider does not have it. */
  model(provider: ProviderName, name: string, kind: Model['kind'] = 'chat'): Model {
    const model = findModel(provider, name, kind)
    if (model) return model
    throw new Refusal('model_not_found', name)
  }

  complete(prompt: Prompt): Completion {
    const model = this.model(prompt.provider, prompt.model)
    const inputTokens = Math.round(promptTokens(prompt) * model.tokenScale)
    const cached = this.#cached(prompt, model, inputTokens)
    const seed = seedOf(String(this.#seed), model.id, ...prompt.messages.map(({ text }) => text))
    const limit = prompt.maxTokens ?? Infinity
    const reasoningTokens = model.reasoning ? Math.min(thinking(seed), limit) : 0
    const full = scaled(tokenPieces(reply(prompt, seed)), model.tokenScale)
    const { pieces, truncated } = limited(full, limit - reasoningTokens)
    const visibleTokens = pieces.reduce((sum, { tokens }) => sum + tokens, 0)
    return {
      model,
      text: pieces.map(({ text }) => text).join(''),
      pieces,
      truncated,
      usage: {
        input_tokens: inputTokens,
        output_tokens: reasoningTokens + visibleTokens,
        cache_read_tokens: cached.read,
        cache_write_tokens: cached.written,
        reasoning_tokens: reasoningTokens,
      },
    }
  }

  #cached(prompt: Prompt, model: Model, inputTokens: number): CachedTokens {
    const { cacheBreakpoints } = prompt
    if (cacheBreakpoints === undefined) {
      const text = prompt.messages.map((message) => `${message.role}\n${message.text}`).join('\n')
      return this.#cache.automatic(model.id, { text, tokens: inputTokens })
    }
    const prefixes = cacheBreakpoints.map((text) => {
      const tokens = Math.round(countTokens(text) * model.tokenScale)
      return { text, tokens: Math.min(tokens, inputTokens) }
    })
    return this.#cache.explicit(model.id, prefixes)
  }
}

/** OpenAI's published framing: 3 a message, 1 a name, 3 to prime the answer. */
function promptTokens({ messages, appendix }: Prompt): number {
  const perMessage = messages.map(
    ({ role, text, name }) =>
      3 + countTokens(role) + countTokens(text) + (name === undefined ? 0 : 1 + countTokens(name)),
  )
  return perMessage.reduce((sum, tokens) => sum + tokens, 3) + countTokens(appendix ?? '')
}

function reply({ messages }: Prompt, seed: number): string {
  const question = messages.findLast(({ role }) => role === 'user')?.text ?? ''
  const instructions = messages.filter(({ role }) => role === 'system' || role === 'developer')
  return composeReply(question, instructions.map(({ text }) => text).join('\n'), seed)
}

function thinking(seed: number): number {
  return REASONING_STEP_TOKENS * (1 + Math.floor(seededRandom(seed)() * 8))
}

/** Rounds the running total, so that the parts always add up to the scaled whole. */
function scaled(pieces: readonly Piece[], scale: number): Piece[] {
  let base = 0
  let total = 0
  return pieces.map(({ text, tokens }) => {
    base += tokens
    const before = total
    total = Math.round(base * scale)
    return { text, tokens: total - before }
  })
}

/** The pieces that fit; a cut answer has used its limit to the last token, as providers report it. */
function limited(
  pieces: readonly Piece[],
  limit: number,
): { pieces: readonly Piece[]; truncated: boolean } {
  let total = 0
  const end = pieces.findIndex(({ tokens }) => (total += tokens) > limit)
  if (end === -1) return { pieces, truncated: false }
  const fitting = pieces.slice(0, end)
  const spare = limit - fitting.reduce((sum, { tokens }) => sum + tokens, 0)
  if (spare > 0) fitting.push({ text: '', tokens: spare })
  return { pieces: fitting, truncated: true }
}
