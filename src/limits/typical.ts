import { LRUCache } from 'lru-cache'

/** Operations per user and kind from which the usual is told. */
const samples = 50

interface Samples {
  readonly tokens: number[]
  readonly cost: number[]
  next: number
}

/** What the operations of a user usually use, by kind, as far as this instance has seen. */
export class Typical {
  readonly #known = new LRUCache<string, Samples>({ max: 10_000 })

  add(userId: string, type: string, tokens: number, costNanoUsd: number | null): void {
    const key = `${type}\0${userId}`
    let known = this.#known.get(key)
    if (known === undefined) this.#known.set(key, (known = { tokens: [], cost: [], next: 0 }))
    known.tokens[known.next] = tokens
    known.cost[known.next] = costNanoUsd ?? 0
    known.next = (known.next + 1) % samples
  }

  /** The 95th percentile of each; undefined for a user who has done nothing of the kind. */
  of(userId: string, type: string): { tokens: number; cost: number } | undefined {
    const known = this.#known.get(`${type}\0${userId}`)
    return known && { tokens: p95(known.tokens), cost: p95(known.cost) }
  }
}

function p95(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.ceil(0.95 * sorted.length) - 1] ?? 0
}
