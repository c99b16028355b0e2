import type { Dialect } from './dialect.js'
import type { Inference } from './inference.js'
import type { TokenUsage } from './usage.js'

/** What is written at once: text in UTF-8, or bytes. */
export type Wire = string | Uint8Array

/** One write of a stream and the output tokens that were made for it. */
export interface Frame {
  readonly wire: Wire
  readonly tokens: number
  /** Sent while the model is still thinking, before the first-token wait. */
  readonly keepalive?: true
}

export interface ShapeOptions {
  /** False leaves the provider's usage object out (fault `no_usage`). */
  readonly usage: boolean
}

/** An answer that costs nothing, such as a list of models. */
interface FreePlan {
  readonly kind: 'free'
  json(): unknown
}

/** An answer that is billed. */
export interface BilledPlan {
  readonly kind: 'billed'
  /** The id the provider gives the call, as in the answer. */
  readonly id: string
  /** The model as the answer names it. */
  readonly model: string
  readonly stream: boolean
  /** What the whole answer uses; a cut answer uses fewer output tokens. */
  readonly usage: TokenUsage
  /** Output tokens in the order they are made, at least one step; their sum is `usage.output_tokens`. */
  readonly steps: readonly number[]
  /** Dollars for this usage, where the provider reports a cost. */
  readonly costUsd?: (usage: TokenUsage) => number
  readonly headers?: Readonly<Record<string, string>>
  json(options: ShapeOptions): unknown
  /** Content type of the stream; default Server-Sent Events. */
  readonly streamType?: string
  frames(options: ShapeOptions): Iterable<Frame>
  /** The provider's error event inside a 200 stream, after `emitted` frames. */
  failureFrame(emitted: number): Wire
}

export type Plan = FreePlan | BilledPlan

interface FormatRequest {
  readonly body: unknown
  readonly query: URLSearchParams
  /** What stands for the `{names}` of the path, decoded. */
  readonly params: Readonly<Record<string, string>>
}

/** One endpoint of one provider. */
export interface Format {
  readonly method: 'GET' | 'POST'
  /** May hold `{names}`, each for a part of one segment. */
  readonly path: string
  readonly dialect: Dialect
  /** Reads the request and decides the answer. Throws `Refusal`. */
  plan(request: FormatRequest, inference: Inference): Plan
}
