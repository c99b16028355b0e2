import type { Fleet } from './fleet.js'
import type { ReplicaSet } from './replica-set.js'
import type { Fault, Step } from './schedule.js'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Does what a schedule says, each step when its operation begins. What is done to one target is done
 * one after the other; different targets suffer at the same time.
 */
export class Chaos {
  readonly #left: Step[]
  readonly #fleet: Fleet
  readonly #set: ReplicaSet
  readonly #busy = new Map<string, Promise<void>>()
  #failure: unknown

  constructor(steps: readonly Step[], fleet: Fleet, set: ReplicaSet) {
    this.#left = [...steps].sort((a, b) => a.at - b.at)
    this.#fleet = fleet
    this.#set = set
  }

  /** To be called with the number of each operation that begins. */
  reached(index: number): void {
    for (let next = this.#left[0]; next !== undefined && next.at <= index; next = this.#left[0]) {
      this.#left.shift()
      void this.#begin(next.fault).catch((error: unknown) => (this.#failure ??= error))
    }
  }

  /** Resolves when all that was done is over and undone; rejects if something could not be. */
  async ended(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy.values())
    for (const { proxy } of this.#set.nodes) proxy.mend()
    if (this.#failure !== undefined) throw new Error('a fault failed', { cause: this.#failure })
    await this.#set.primary()
  }

  async #begin(fault: Fault): Promise<void> {
    if ('app' in fault) this.#after(`app ${fault.app}`, () => this.#toApp(fault))
    else if (fault.do === 'step down') this.#after('set', () => this.#set.stepDown())
    else {
      const node = await this.#set.pick(fault.member)
      this.#after(`node ${node}`, () => this.#toNode(node, fault))
    }
  }

  #after(target: string, work: () => Promise<void>): void {
    const done = (this.#busy.get(target) ?? Promise.resolve())
      .then(work)
      .catch((error: unknown) => void (this.#failure ??= error))
      .finally(() => {
        if (this.#busy.get(target) === done) this.#busy.delete(target)
      })
    this.#busy.set(target, done)
  }

  async #toApp(fault: Extract<Fault, { app: number }>): Promise<void> {
    const { app } = fault
    if (fault.do === 'kill app') await this.#fleet.kill(app, fault.downMs)
    else if (fault.do === 'stop app') await this.#fleet.freeze(app, fault.forMs)
    else this.#fleet.jump(app, fault.byMs)
  }

  async #toNode(node: number, fault: Extract<Fault, { member: unknown }>): Promise<void> {
    const proxy = this.#set.nodes[node]?.proxy
    if (fault.do === 'kill mongod') return this.#set.kill(node, fault.downMs)
    if (fault.do === 'stop mongod') return this.#set.freeze(node, fault.forMs)
    if (fault.do === 'reset') proxy?.reset()
    else if (fault.do === 'cut') proxy?.cutAfter(fault.afterBytes)
    else {
      if (fault.do === 'delay') proxy?.delay(fault.ms)
      else proxy?.swallow()
      await sleep(fault.forMs)
      proxy?.mend()
    }
  }
}
