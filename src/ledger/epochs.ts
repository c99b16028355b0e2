/**
 * Tells when everything accepted before a moment is settled, without a promise per event. Each
 * event belongs to the epoch in which it was accepted; waiting opens a new epoch.
 */
export class Epochs {
  readonly #open = new Map<number, number>()
  readonly #waiting: { epoch: number; done: () => void; promise: Promise<void> }[] = []
  #current = 0

  /** Takes one event in; its epoch is handed back to `settle`. */
  enter(): number {
    this.#open.set(this.#current, (this.#open.get(this.#current) ?? 0) + 1)
    return this.#current
  }

  settle(epoch: number, count = 1): void {
    const left = (this.#open.get(epoch) ?? 0) - count
    if (left > 0) this.#open.set(epoch, left)
    else {
      this.#open.delete(epoch)
      this.#release()
    }
  }

  /** Resolves when all that has entered so far is settled; calls with nothing new in between share. */
  settled(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve()
    const last = this.#waiting.at(-1)
    if (last && !this.#open.has(this.#current)) return last.promise
    const { promise, resolve } = withResolvers()
    this.#waiting.push({ epoch: this.#current, done: resolve, promise })
    this.#current += 1
    return promise
  }

  #release(): void {
    const oldest = Math.min(...this.#open.keys())
    for (;;) {
      const first = this.#waiting[0]
      if (!first || first.epoch >= oldest) return
      this.#waiting.shift()
      first.done()
    }
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((done) => (resolve = done))
  return { promise, resolve }
}
