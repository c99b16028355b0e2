import type { UnrecordedEvent } from '../event.js'
import type { LedgerStats } from '../ledger/ledger-stats.js'
import type { Exposition } from './exposition.js'
import type { Labels, Tally } from './tally.js'

/** Distinct values of a label beyond which new ones are counted as `other`. */
const maxValues = { operation_type: 50, provider: 30, model: 100 }

/** Combinations of labels beyond which new ones are counted as `other` altogether. */
const maxTallies = 2_000

/** Counts operations of this process, for Prometheus. Counting costs a look-up and a few additions. */
export class UsageMetrics {
  readonly #tallies = new Map<string, Tally>()
  readonly #seen = {
    operation_type: new Set<string>(),
    provider: new Set<string>(),
    model: new Set<string>(),
  }
  readonly #ledger: () => LedgerStats
  #exposition: Promise<Exposition> | undefined

  constructor(ledger: () => LedgerStats) {
    this.#ledger = ledger
  }

  count(event: UnrecordedEvent): void {
    const tally = this.#tallyOf(event)
    tally.operations += 1
    tally.input += event.input_tokens
    tally.output += event.output_tokens
    tally.cache_read += event.cache_read_tokens ?? 0
    tally.cache_write += event.cache_write_tokens ?? 0
    tally.reasoning += event.reasoning_tokens ?? 0
    tally.cost_nano_usd += event.cost_nano_usd ?? 0
    if (event.cost_nano_usd === null && event.tokens_used > 0) tally.unpriced += 1
    tally.dropped_figures += event.usage_flags?.length ?? 0
  }

  /** The metrics in Prometheus' text format, and its content type. */
  async expose(): Promise<{ contentType: string; text: string }> {
    this.#exposition ??= import('./exposition.js').then(({ createExposition }) =>
      createExposition(),
    )
    const exposition = await this.#exposition
    return exposition.expose(this.#tallies.values(), this.#ledger())
  }

  #tallyOf({ operation_type, status, token_source, provider = '', model = '' }: UnrecordedEvent) {
    const key = `${operation_type}\0${status}\0${token_source}\0${provider}\0${model}`
    const known = this.#tallies.get(key)
    if (known !== undefined) return known
    const bounded = this.#tallies.size < maxTallies
    const labels = {
      operation_type: bounded ? this.#bound('operation_type', operation_type) : 'other',
      status,
      token_source,
      provider: bounded ? this.#bound('provider', provider) : 'other',
      model: bounded ? this.#bound('model', model) : 'other',
    }
    return this.#open(labels)
  }

  #open(labels: Labels): Tally {
    const { operation_type, status, token_source, provider, model } = labels
    const key = `${operation_type}\0${status}\0${token_source}\0${provider}\0${model}`
    let tally = this.#tallies.get(key)
    if (tally === undefined) {
      const tokens = { input: 0, output: 0, cache_read: 0, cache_write: 0, reasoning: 0 }
      tally = {
        labels,
        operations: 0,
        ...tokens,
        cost_nano_usd: 0,
        unpriced: 0,
        dropped_figures: 0,
      }
      this.#tallies.set(key, tally)
    }
    return tally
  }

  #bound(label: keyof typeof maxValues, value: string): string {
    const seen = this.#seen[label]
    if (seen.has(value)) return value
    if (seen.size >= maxValues[label]) return 'other'
    seen.add(value)
    return value
  }
}
