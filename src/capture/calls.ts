import { setImmediate } from 'node:timers'
import { andThen } from '../maybe-promise.js'
import { ProviderCall, type CallReading, type CallTarget } from './provider-call.js'
import { hasFigures } from './reading.js'

/** Calls followed in one operation at most; what an agent asks beyond them is not seen. */
const maxCalls = 1_000

/** The host's calls to providers while it worked on one request. */
export class Calls {
  readonly all: ProviderCall[] = []
  /** Those that asked for what others began in the background. */
  readonly later: ProviderCall[] = []
  #open = 0
  #sealed = false
  #onIdle: (() => void) | undefined

  get isOpen(): boolean {
    return this.#open > 0
  }

  get isSealed(): boolean {
    return this.#sealed
  }

  /** A call begins; undefined when it is too late, or one too many. */
  begin(target: CallTarget, how: CallReading): ProviderCall | undefined {
    const list = target.isLater === true ? this.later : this.all
    if (this.#sealed || list.length >= maxCalls) return undefined
    const call = new ProviderCall(target, how, () => this.#ended(call))
    this.#open += 1
    list.push(call)
    return call
  }

  /** Resolves when no call runs. For one waiter. */
  idle(): Promise<void> {
    if (this.#open === 0) return Promise.resolve()
    return new Promise((resolve) => (this.#onIdle = resolve))
  }

  /** From here on no call joins, and those that run count with what they have told so far. */
  seal(): void {
    this.#sealed = true
    for (const call of [...this.all, ...this.later]) call.end()
  }

  #ended(call: ProviderCall): void {
    this.#open -= 1
    // A finished answer is read soon, off the response path: figures are smaller than bodies.
    if (!this.#sealed) setImmediate(() => this.#read(call))
    if (this.#open > 0) return
    this.#onIdle?.()
    this.#onIdle = undefined
  }

  #read(call: ProviderCall): void {
    const reading = call.read()
    if (call.target.isLater !== true) return
    // Most only hear that it is not done yet.
    void andThen(reading, (told) => {
      const index = this.#sealed || hasFigures(told) ? -1 : this.later.indexOf(call)
      if (index !== -1) this.later.splice(index, 1)
    })
  }
}
