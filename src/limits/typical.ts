import type { IncomingMessage } from 'node:http'
import type { Amount } from './amount.js'
import { leastRecent } from '../least-recent.js'
import { askedOutput, bodyOf, bytesOf } from './upper-bound.js'

/** Operations per user and kind from which the usual is told. */
const samples = 50
/** Bytes of a body per token of its prompt: what English text has. Counting it would take longer. */
const bytesPerToken = 4

interface Samples {
  readonly output: number[]
  readonly cost: number[]
  next: number
  /** Of these; undefined once another has come. */
  usual: { readonly output: number; readonly cost: number } | undefined
}

/** What one operation has used. */
export interface Sample {
  readonly user_id: string
  readonly operation_type: string
  readonly output_tokens: number
  readonly cost_nano_usd: number | null
}

/** What the operations of a user usually use, by kind, as far as this instance has seen. */
export class Typical {
  readonly #known = leastRecent<string, Samples>(10_000)

  add({ user_id, operation_type, output_tokens, cost_nano_usd }: Sample): void {
    const key = `${operation_type}\0${user_id}`
    let known = this.#known.get(key)
    if (known === undefined)
      this.#known.set(key, (known = { output: [], cost: [], next: 0, usual: undefined }))
    known.output[known.next] = output_tokens
    known.cost[known.next] = cost_nano_usd ?? 0
    known.next = (known.next + 1) % samples
    known.usual = undefined
  }

  forget(userId: string): void {
    for (const key of this.#known.keys()) {
      if (key.endsWith(`\0${userId}`)) this.#known.delete(key)
    }
  }

  /**
   * What a request is likely to use: its prompt, and the 95th percentile of what this user's
   * operations of the kind have produced (`estimateTokens` where there were none), or what it lets be
   * produced where that is less.
   */
  amountOf(
    req: IncomingMessage & { body?: unknown },
    userId: string,
    { type, estimateTokens }: { type: string; estimateTokens: number },
  ): Amount {
    const known = this.#known.get(`${type}\0${userId}`)
    if (known) known.usual ??= { output: p95(known.output), cost: p95(known.cost) }
    const usual = known?.usual ?? { output: estimateTokens, cost: 0 }
    const body = bodyOf(req)
    const produced = Math.min(askedOutput(body) ?? Infinity, usual.output)
    const sent = Math.ceil((bytesOf(req) ?? 0) / bytesPerToken)
    return { requests: 1, tokens: sent + produced, cost: usual.cost }
  }
}

function p95(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.ceil(0.95 * sorted.length) - 1] ?? 0
}
