interface Past {
  open: number
  readonly done: () => void
  readonly promise: Promise<void>
}

/**
 * Tells when everything accepted before a moment is settled, without a promise per event. Each
 * event belongs to the epoch in which it was accepted; waiting closes the epoch.
 */
export class Epochs {
  /** Closed epochs, oldest first, until all in them and before them is settled. */
  readonly #past: Past[] = []
  #oldest = 0
  #open = 0

  /** Takes one event in; its epoch is handed back to `settle`. */
  enter(): number {
    this.#open += 1
    return this.#oldest + this.#past.length
  }

  settle(epoch: number, count = 1): void {
    const past = this.#past[epoch - this.#oldest]
    if (past === undefined) {
      this.#open -= count
      return
    }
    past.open -= count
    for (let first = this.#past[0]; first && first.open <= 0; first = this.#past[0]) {
      this.#past.shift()
      this.#oldest += 1
      first.done()
    }
  }

  /** Resolves when all that has entered so far is settled; calls with nothing new in between share. */
  settled(): Promise<void> {
    if (this.#open === 0) return this.#past.at(-1)?.promise ?? Promise.resolve()
    let done: () => void = () => undefined
    const promise = new Promise<void>((resolve) => (done = resolve))
    this.#past.push({ open: this.#open, done, promise })
    this.#open = 0
    return promise
  }
}
