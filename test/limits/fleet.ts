import assert from 'node:assert/strict'
import type { Clock } from '../../src/clock.js'
import { nothing, plus, type Amount } from '../../src/limits/amount.js'
import { leaseMs } from '../../src/limits/desk.js'
import { Limiter, type Reservation } from '../../src/limits/limiter.js'
import type { Limit, Metric, Plan } from '../../src/limits/plan.js'
import type { CounterStore } from '../../src/store/counter-store.js'

/** An operation that was let through, as a plain count knows it. */
interface Running {
  readonly by: Instance
  readonly reservation: Reservation
  readonly held: Amount
}

interface Instance {
  readonly limiter: Limiter
  /** Until when others count what it holds, epoch ms. */
  lease: number
  isDead: boolean
}

interface Ask {
  readonly do: 'ask' | 'storm'
  readonly at: number
  readonly tokens: number
  readonly count: number
}

export type Step =
  /** So many at once, of one instance or of each. */
  | Ask
  /** Uses this share of what was held. */
  | { readonly do: 'settle'; which: number; part: number }
  | { readonly do: 'release'; which: number }
  | { readonly do: 'crash'; at: number }
  | { readonly do: 'pass'; ms: number }

export interface FleetOptions {
  readonly counters: CounterStore
  /** Shows what it is told: leases end when the test says so. */
  readonly clock: Clock & { at: number }
  readonly plan: Plan
  readonly subject: string
  readonly size: number
}

/** Instances on one counter, next to a plain count of what they should say. */
export class Fleet {
  readonly #options: FleetOptions
  readonly #instances: Instance[]
  #running: Running[] = []
  #used: Amount = nothing

  constructor(options: FleetOptions) {
    this.#options = options
    this.#instances = Array.from({ length: options.size }, () => this.#start())
  }

  #start(): Instance {
    const { counters, clock } = this.#options
    return { limiter: new Limiter(counters, clock, 'UTC'), lease: 0, isDead: false }
  }

  async take(step: Step): Promise<void> {
    if (step.do === 'pass') this.#options.clock.at += step.ms
    else if (step.do === 'crash') this.#crash(step.at % this.#instances.length)
    else if ('count' in step) await this.#ask(step)
    else {
      const alive = this.#running.filter(({ by }) => !by.isDead)
      const one = alive[step.which % Math.max(1, alive.length)]
      if (one) await this.#settle(one, step.do === 'settle' ? step.part : undefined)
    }
  }

  /** Whoever asks is answered as the plain count would, with nothing refused that has room. */
  async #ask(step: Ask): Promise<void> {
    const { clock, subject, plan } = this.#options
    const asking = this.#instances.filter(
      (_, index) => step.do === 'storm' || index === step.at % this.#instances.length,
    )
    const held = { requests: 1, tokens: step.tokens, cost: 0 }
    const most = Math.max(...asking.map((by) => this.#roomFor([by], held)))
    // Whoever has asked confirms what it holds, and the next one counts that.
    const least = this.#roomFor(asking, held)
    const asks = asking.flatMap((by) =>
      Array.from({ length: step.count }, async () => {
        return { by, answer: await by.limiter.admit(subject, plan, held) }
      }),
    )
    const answers = await Promise.all(asks)
    for (const by of asking) by.lease = clock.at + leaseMs
    let admitted = 0
    for (const { by, answer } of answers) {
      assert.ok(answer.outcome === 'admitted' || answer.outcome === 'refused', answer.outcome)
      if (answer.outcome === 'refused') continue
      admitted += 1
      this.#running.push({ by, reservation: answer.reservation, held })
    }
    const told = `${admitted} of ${least} to ${most}: ${this.#state()}`
    assert.ok(admitted >= Math.min(asks.length, least), told)
    assert.ok(admitted <= Math.min(asks.length, most), told)
    if (admitted > 0 && least === most) await this.#isWithin()
  }

  /** How many of these there is room for when all that some hold counts, expired or not. */
  #roomFor(by: readonly Instance[], more: Amount): number {
    const rooms = this.#options.plan.limits.map((one) => {
      const { metric, limit } = one
      if (!isKnown(one)) return this.#used[metric] < limit ? Infinity : 0
      const left = limit - this.#used[metric] - this.#heldFor(by, metric)
      return more[metric] === 0 ? (left >= 0 ? Infinity : 0) : Math.floor(left / more[metric])
    })
    return Math.max(0, Math.min(...rooms))
  }

  /** What counts as held: all that is theirs, and what others hold whose lease is not over. */
  #heldFor(by: readonly Instance[], metric: Metric): number {
    return this.#running
      .filter((one) => by.includes(one.by) || one.by.lease > this.#options.clock.at)
      .reduce((all, { held }) => all + held[metric], 0)
  }

  /** What the store says: settled and held are never more than a limit that counts both. */
  async #isWithin(): Promise<void> {
    const { subject, plan } = this.#options
    const standings = await this.#instances[0]?.limiter.look(subject, plan)
    for (const { limit, used, held } of standings ?? [])
      if (isKnown(limit)) assert.ok(used + held <= limit.limit, this.#state())
  }

  async #settle(one: Running, part: number | undefined): Promise<void> {
    const tokens = Math.round(one.held.tokens * (part ?? 0))
    const spent = part === undefined ? nothing : { requests: 1, tokens, cost: 0 }
    one.by.limiter.settle(one.reservation, spent)
    this.#used = plus(this.#used, spent)
    this.#running = this.#running.filter((other) => other !== one)
    await one.by.limiter.flush()
    one.by.lease = this.#options.clock.at + leaseMs
  }

  /** It is never heard of again; another takes its place. */
  #crash(at: number): void {
    const dead = this.#instances[at]
    if (dead === undefined) return
    dead.limiter.stop()
    dead.isDead = true
    this.#instances[at] = this.#start()
  }

  /** Settles all that runs; then every instance must know exactly what was used. */
  async finish(): Promise<void> {
    for (const one of this.#running) if (!one.by.isDead) await this.#settle(one, 0.5)
    this.#options.clock.at += leaseMs
    const { subject, plan } = this.#options
    for (const { limiter } of this.#instances)
      for (const { limit, used, held } of await limiter.look(subject, plan))
        assert.deepEqual([used, held], [this.#used[limit.metric], 0], this.#state())
  }

  stop(): void {
    for (const { limiter } of this.#instances) limiter.stop()
  }

  #state(): string {
    const held = this.#running.map((one) => [one.held.tokens, one.by.lease, one.by.isDead])
    const { plan, clock } = this.#options
    return JSON.stringify({ used: this.#used, held, now: clock.at, limits: plan.limits })
  }
}

/** Whether it counts what is held. */
function isKnown({ metric, reservation }: Limit): boolean {
  return metric === 'requests' || reservation === 'strict'
}
