import { KeptFresh } from './kept-fresh.js'

/** A change may become visible this long after the instant it bears, ms. */
const overlapMs = 15_000

/** Keeps what this process knows of many documents fresh, by reading what has changed since. */
export abstract class KeptChanges<T extends { readonly updated_at: Date }> extends KeptFresh {
  #latest: number | undefined

  /** What was changed at this instant or after it; everything where none is given. */
  protected abstract changedSince(since: Date | undefined): Promise<readonly T[]>

  /** Takes in what is stored; it may be known already. */
  protected abstract take(changed: T): void

  protected async read(): Promise<void> {
    const since = this.#latest === undefined ? undefined : new Date(this.#latest - overlapMs)
    for (const changed of await this.changedSince(since)) {
      this.take(changed)
      this.#latest = Math.max(this.#latest ?? 0, changed.updated_at.getTime())
    }
  }
}
