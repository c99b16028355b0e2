import type { IncomingHttpHeaders } from 'node:http'

export type ProviderName =
  | 'openai'
  | 'anthropic'
  | 'openrouter'
  | 'google'
  | 'mistral'
  | 'cohere'
  | 'ollama'
  | 'groq'
  | 'deepseek'
  | 'xai'
  | 'bedrock'

export type FailureKind =
  | 'bad_request'
  | 'unauthorized'
  | 'model_not_found'
  | 'not_found'
  | 'too_large'
  | 'rate_limit'
  | 'server_error'
  | 'overloaded'

/** A request that is refused before any token is made; the dialect gives it the provider's shape. */
export class Refusal extends Error {
  readonly kind: FailureKind

  constructor(kind: FailureKind, message: string) {
    super(message)
    this.name = 'Refusal'
    this.kind = kind
  }
}

/** A refusal or failure as this provider words it. */
export interface Failure {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** What all endpoints of one provider share: where the key stands and how errors look. */
export interface Dialect {
  readonly provider: ProviderName
  /** The key of the request, undefined when there is none. */
  apiKey(headers: IncomingHttpHeaders, query: URLSearchParams): string | undefined
  failure(kind: FailureKind, message: string, requestId: string): Failure
  /** Headers on every answer. */
  headers(requestId: string): Record<string, string>
}
