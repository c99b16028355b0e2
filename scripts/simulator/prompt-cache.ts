import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { headOfTokens } from './tokens.js'

const MIN_CACHED_TOKENS = 1024
const CACHED_STEP_TOKENS = 128
const CAPACITY = 1000

export interface CachedTokens {
  readonly read: number
  readonly written: number
}

const NONE: CachedTokens = { read: 0, written: 0 }

/** A prompt up to a cache breakpoint: all text so far, and its tokens. */
export interface Prefix {
  readonly text: string
  readonly tokens: number
}

/** Remembers which long prompts were seen, by hash, the last thousand of them. */
export class PromptCache {
  readonly #seen = new LRUCache<string, true>({ max: CAPACITY })

  /**
   * As OpenAI does it, unasked: a prompt of at least 1,024 tokens whose first 1,024 were seen before
   * reads 1,024 from the cache, or all of it in steps of 128 when the whole prompt was seen.
   */
  automatic(model: string, prompt: Prefix): CachedTokens {
    if (prompt.tokens < MIN_CACHED_TOKENS) return NONE
    const headSeen = this.#visit(model, headOfTokens(prompt.text, MIN_CACHED_TOKENS))
    const allSeen = this.#visit(model, prompt.text)
    if (!headSeen) return NONE
    const whole = Math.floor(prompt.tokens / CACHED_STEP_TOKENS) * CACHED_STEP_TOKENS
    return { read: allSeen ? whole : MIN_CACHED_TOKENS, written: 0 }
  }

  /**
   * As Anthropic does it, by `cache_control`: the longest known prefix of at least 1,024 tokens is
   * read and the rest up to the last breakpoint is written.
   */
  explicit(model: string, prefixes: readonly Prefix[]): CachedTokens {
    const long = prefixes.filter(({ tokens }) => tokens >= MIN_CACHED_TOKENS)
    const read = long.reduce(
      (longest, { text, tokens }) => (this.#visit(model, text) ? tokens : longest),
      0,
    )
    return { read, written: (long.at(-1)?.tokens ?? 0) - read }
  }

  clear(): void {
    this.#seen.clear()
  }

  #visit(model: string, text: string): boolean {
    const key = createHash('sha256').update(`${model}\u0000${text}`).digest('base64')
    const known = this.#seen.has(key)
    this.#seen.set(key, true)
    return known
  }
}
