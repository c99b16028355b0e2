import type { Fault } from './faults.js'
import type { ProviderName } from './dialect.js'
import type { BilledPlan } from './format.js'
import type { TokenUsage } from './usage.js'

/** The truth about one call: what the provider made and would put on the invoice. */
export interface BilledCall extends TokenUsage {
  readonly id: string
  readonly provider: ProviderName
  /** As the answer names it, usually a dated snapshot. */
  readonly model: string
  readonly path: string
  readonly stream: boolean
  /** Only where the provider reports a cost. */
  readonly cost_usd?: number
  /** `fault`: the fault asked for made the call fail. `slow` and `no_usage` can still be `ok`. */
  readonly outcome: 'ok' | 'fault' | 'client_aborted'
  readonly fault?: Fault
  /** Milliseconds from the request's arrival to the end of the answer. */
  readonly duration_ms: number
  /** Instant of the request's arrival. */
  readonly created_at: string
}

const NOTHING: TokenUsage = {
  input_tokens: 0,
  output_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  reasoning_tokens: 0,
}

const HARMLESS: readonly (Fault | undefined)[] = [undefined, 'slow', 'no_usage']

/** One call while it is being answered; it counts what was made until it is settled, once. */
export class OpenCall {
  readonly #plan: BilledPlan
  readonly #facts: { path: string; provider: ProviderName; fault: Fault | undefined }
  readonly #settled: (call: BilledCall) => void
  readonly #createdAt = new Date()
  readonly #startedMs = performance.now()
  #outputTokens = 0
  #isSettled = false

  constructor(
    plan: BilledPlan,
    facts: { path: string; provider: ProviderName; fault: Fault | undefined },
    settled: (call: BilledCall) => void,
  ) {
    this.#plan = plan
    this.#facts = facts
    this.#settled = settled
  }

  generated(tokens: number): void {
    this.#outputTokens += tokens
  }

  /** Refused before the model began: nothing is billed. */
  settleUnbilled(): void {
    this.#settle('fault', NOTHING)
  }

  settle(end: 'complete' | 'client_aborted'): void {
    const made = this.#outputTokens
    const usage = {
      ...this.#plan.usage,
      output_tokens: made,
      reasoning_tokens: Math.min(this.#plan.usage.reasoning_tokens, made),
    }
    if (!HARMLESS.includes(this.#facts.fault)) this.#settle('fault', usage)
    else this.#settle(end === 'complete' ? 'ok' : 'client_aborted', usage)
  }

  #settle(outcome: BilledCall['outcome'], usage: TokenUsage): void {
    if (this.#isSettled) return
    this.#isSettled = true
    const { id, model, stream, costUsd } = this.#plan
    const { fault, path, provider } = this.#facts
    this.#settled({
      id,
      provider,
      model,
      path,
      stream,
      ...usage,
      ...(costUsd && { cost_usd: costUsd(usage) }),
      outcome,
      ...(fault && { fault }),
      duration_ms: Math.round(performance.now() - this.#startedMs),
      created_at: this.#createdAt.toISOString(),
    })
  }
}

/** Every settled call, oldest first; beyond the capacity the oldest are dropped and counted. */
export class Invoice {
  readonly #capacity: number
  #calls: BilledCall[] = []
  #dropped = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  add(call: BilledCall): void {
    this.#calls.push(call)
    // Cutting a tenth at a time keeps the cost of a full invoice constant per call.
    if (this.#calls.length <= this.#capacity * 1.1) return
    this.#dropped += this.#calls.length - this.#capacity
    this.#calls = this.#calls.slice(-this.#capacity)
  }

  calls(): readonly BilledCall[] {
    return this.#calls.slice()
  }

  dropped(): number {
    return this.#dropped
  }

  find(id: string): BilledCall | undefined {
    return this.#calls.findLast((call) => call.id === id)
  }

  clear(): void {
    this.#calls = []
    this.#dropped = 0
  }
}
