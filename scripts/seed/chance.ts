import { seededRandom } from '../simulator/random.js'

/** Seeded chance: the same seed gives the same events. */
export class Chance {
  readonly #next: () => number
  readonly #bytes = new Uint8Array(16)
  readonly #words = new Uint32Array(this.#bytes.buffer)

  constructor(seed: number) {
    this.#next = seededRandom(seed)
  }

  /** True in this share of the cases. */
  happens(share: number): boolean {
    return this.#next() < share
  }

  /** A whole number from 0 up to and without `end`. */
  below(end: number): number {
    return Math.floor(this.#next() * end)
  }

  /** A whole number, at least 1, log-normal around its median; `spread` is the sigma of the logarithm. */
  logNormal(median: number, spread: number): number {
    // Box and Muller 1958, https://doi.org/10.1214/aoms/1177706645
    const radius = Math.sqrt(-2 * Math.log(1 - this.#next()))
    const normal = radius * Math.cos(2 * Math.PI * this.#next())
    return Math.max(1, Math.round(median * Math.exp(spread * normal)))
  }

  pick<T>(weighted: Weighted<T>): T {
    return weighted.at(this.#next())
  }

  /** 16 bytes, in an array that the next call writes over. */
  bytes(): Uint8Array {
    for (let i = 0; i < 4; i++) this.#words[i] = this.#next() * 2 ** 32
    return this.#bytes
  }
}

/** Things, each with its weight. At least one. */
export class Weighted<T> {
  readonly #things: readonly T[]
  readonly #upTo: Float64Array

  constructor(things: readonly T[], weightOf: (thing: T, index: number) => number) {
    this.#things = things
    let sum = 0
    this.#upTo = Float64Array.from(things, (thing, index) => (sum += weightOf(thing, index)))
  }

  /** The thing at a share (0..1) of all weight. */
  at(share: number): T {
    const wanted = share * (this.#upTo.at(-1) ?? 0)
    let low = 0
    let high = this.#upTo.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#upTo[middle] ?? 0) > wanted) high = middle
      else low = middle + 1
    }
    return this.#things[low] as T
  }
}
