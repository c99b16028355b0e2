import { clearTimeout, setTimeout } from 'node:timers'
import type { CountedLimit, CounterPart } from '../store/counter-move.js'
import { sumsIn } from './tally.js'

/** How long an ask waits at most for what has ended to be counted, ms. */
const waitMs = 500

/**
 * Whether a limit that counts what is settled may be reached by what runs now, as far as is known, and
 * what has ended but is not counted yet. Who asks near a limit waits for that: it takes moments, and
 * without it one who has used everything up would get in once more.
 */
export class Nearness<T> {
  #isNear = false
  #hasOthers = false
  readonly #uncounted = new Set<T>()
  #wake: (() => void) | undefined

  get isNear(): boolean {
    return this.#isNear
  }

  /** Whether other instances ask for the same subject. */
  get hasOthers(): boolean {
    return this.#hasOthers
  }

  /** What a counter has answered. */
  learn(
    limits: readonly CountedLimit[],
    parts: readonly CounterPart[],
    { instance, now }: { readonly instance: string; readonly now: number },
  ): void {
    this.#hasOthers = parts.some(({ i, e }) => i !== instance && e > now)
    this.#isNear = limits.some(({ counts, key, metric, limit }) => {
      if (counts === 'held') return false
      const { used, held } = sumsIn(parts, key, now)
      // What is held is what is usual: some take more.
      return used[metric] + 2 * held[metric] >= limit
    })
  }

  ended(one: T): void {
    this.#uncounted.add(one)
  }

  counted(one: T): void {
    if (this.#uncounted.delete(one) && this.#uncounted.size === 0) this.#wake?.()
  }

  /** Resolves when what has ended is counted, where that matters, or takes too long. */
  async allCounted(): Promise<void> {
    if (!this.#isNear || this.#uncounted.size === 0) return
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      timer = setTimeout(resolve, waitMs).unref()
    })
    clearTimeout(timer)
    this.#wake = undefined
  }
}
