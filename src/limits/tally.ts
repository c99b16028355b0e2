import type { CounterPart, OwnPart } from '../store/counter-move.js'
import { minus, nothing, plus, type Amount } from './amount.js'

/** What this instance has settled and holds of one subject, by window. */
export class Tally {
  readonly #used = new Map<string, Amount>()
  /** What of the settled the store is known to have. */
  #said = new Map<string, Amount>()
  readonly #held = new Map<string, Amount>()

  /** Whether something is held, so that the lease must be kept alive. */
  get holds(): boolean {
    return this.#held.size > 0
  }

  hold(keys: readonly string[], amount: Amount): void {
    for (const key of keys) this.#held.set(key, plus(this.#held.get(key) ?? nothing, amount))
  }

  release(keys: readonly string[], amount: Amount): void {
    for (const key of keys) {
      const held = this.#held.get(key)
      // The window was over, and has been forgotten.
      if (held === undefined) continue
      const left = minus(held, amount)
      if (left.requests === 0 && left.tokens === 0 && left.cost === 0) this.#held.delete(key)
      else this.#held.set(key, left)
    }
  }

  settle(keys: readonly string[], amount: Amount): void {
    for (const key of keys) this.#used.set(key, plus(this.#used.get(key) ?? nothing, amount))
  }

  /** The store has these. */
  said(parts: readonly OwnPart[]): void {
    this.#said = new Map(parts.map(({ key, used }) => [key, used]))
  }

  /** Leaves what the store has to itself, and goes on with the rest under another name. */
  renew(): void {
    for (const [key, said] of this.#said) {
      const used = this.#used.get(key)
      if (used !== undefined) this.#used.set(key, minus(used, said))
    }
    this.#said.clear()
  }

  /** Forgets windows that no longer count. */
  keepOnly(keys: readonly string[]): void {
    for (const map of [this.#used, this.#held, this.#said])
      for (const key of map.keys()) if (!keys.includes(key)) map.delete(key)
  }

  parts(): OwnPart[] {
    const keys = new Set([...this.#used.keys(), ...this.#held.keys()])
    return [...keys].map((key) => ({
      key,
      used: this.#used.get(key) ?? nothing,
      held: this.#held.get(key) ?? nothing,
    }))
  }
}

/** What all instances together have settled and hold in a window. */
export function sumsIn(parts: readonly CounterPart[], key: string, now: number) {
  let used = nothing
  let held = nothing
  for (const { k, e, ur, ut, uc, hr, ht, hc } of parts) {
    if (k !== key) continue
    used = plus(used, { requests: ur, tokens: ut, cost: uc })
    if (e > now) held = plus(held, { requests: hr, tokens: ht, cost: hc })
  }
  return { used, held }
}
