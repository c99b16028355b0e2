const slabBytes = 256 * 1024
/** Slabs that are kept for later: what the system has given is mostly not taken back. */
const maxFree = 64

/** Memory that groups share, used from one end to the other, and then again. */
export class Slab {
  readonly bytes: Buffer
  readonly #onFree: (slab: Slab) => void
  /** Groups whose bytes are needed. */
  #needed = 0
  #isFull = false

  constructor(bytes: Buffer, onFree: (slab: Slab) => void) {
    this.bytes = bytes
    this.#onFree = onFree
  }

  take(): void {
    this.#needed += 1
  }

  /** A group's bytes are not needed any more. */
  give(): void {
    this.#needed -= 1
    if (this.#isFull && this.#needed === 0) this.#onFree(this)
  }

  /** No more groups begin here. */
  close(): void {
    this.#isFull = true
    if (this.#needed === 0) this.#onFree(this)
  }
}

/** Slabs, some of them used before. */
export class Slabs {
  readonly #free: Buffer[] = []

  /** One with room for so many bytes. */
  next(needed: number): Slab {
    const bytes = needed <= slabBytes ? this.#free.pop() : undefined
    return new Slab(bytes ?? Buffer.allocUnsafeSlow(Math.max(slabBytes, needed)), this.#takeBack)
  }

  readonly #takeBack = ({ bytes }: Slab): void => {
    if (bytes.length === slabBytes && this.#free.length < maxFree) this.#free.push(bytes)
  }
}
