import type { Conversation } from './input.js'

/** Where the demo sends its prompts. */
export interface Upstream {
  readonly kind: 'openai' | 'anthropic' | 'openrouter'
  readonly apiKey: string
  /** As the official SDKs take it, such as `https://api.openai.com/v1` or `https://api.anthropic.com`. */
  readonly baseUrl: string
  /** The model of every request that names none. */
  readonly model: string
  /** Milliseconds until an answer (or a stream's first event) must have come; default 60,000. */
  readonly timeoutMs?: number
  /** Names of request headers passed on to the provider; default none. */
  readonly forwardHeaders?: readonly string[]
}

export interface Answer {
  readonly reply: string
  readonly model: string
  /** The provider's own usage object, untouched; null when it sent none. */
  readonly usage: unknown
}

export interface CallOptions {
  /** Aborts the call when the client has left. */
  readonly signal: AbortSignal
  readonly headers: Readonly<Record<string, string>>
}

/** One provider behind its official SDK. Both reject with `Problem` when the provider fails. */
export interface Provider {
  complete(conversation: Conversation, options: CallOptions): Promise<Answer>
  /** Server-Sent Events ready to write, the provider's own, and its error event if it fails midway. */
  stream(conversation: Conversation, options: CallOptions): Promise<AsyncIterable<string>>
}
