/** A write within a turn that takes longer, or a sync, tells of a disk that must not be waited for, ms. */
export const slowMs = 20
/** How long nothing is written within a turn then, ms: twice as long each time. */
const shyMs = 1_000
const mostShyMs = 60_000

/** Whether the disk is quick enough to write within a turn of the event loop. */
export class Shyness {
  #until = -Infinity
  #nextMs = shyMs
  /** In a row: one alone may be the machine's doing. */
  #slowWrites = 0

  isOver(elapsed: number): boolean {
    return elapsed >= this.#until
  }

  /** A write within a turn has taken from then to then, monotonic ms. */
  wrote(began: number, ended: number): void {
    this.#slowWrites = ended - began > slowMs ? this.#slowWrites + 1 : 0
    if (this.#slowWrites > 1) {
      this.#until = ended + this.#nextMs
      this.#nextMs = Math.min(mostShyMs, 2 * this.#nextMs)
    } else if (this.#slowWrites === 0) this.#nextMs = shyMs
  }
}
