import type { Capture, Held, Subject } from '../capture/capture.js'
import type { Clock } from '../clock.js'
import type { UnrecordedEvent } from '../event.js'
import { nothing, type Amount } from './amount.js'
import { amountOf, type Admission, type Limiter, type Reservation } from './limiter.js'
import { admitAll, type Level } from './hierarchy.js'
import type { Limit } from './plan.js'
import { andThen, type MaybePromise } from '../maybe-promise.js'
import type { PriceBook } from '../pricing/price-book.js'
import type { Rules } from './rules.js'
import { Typical } from './typical.js'
import { upperBound } from './upper-bound.js'

type Prices = Pick<PriceBook, 'ready' | 'price'>

export interface AdmissionsOptions {
  readonly limiter: Limiter
  readonly clock: Clock
  readonly rules: Rules
  readonly prices: Prices
}

/** How long a throttled operation waits for room at most, ms. */
const throttleMs = 10_000
const stepMs = 250

/** Asks the plan of whoever sends a request, before its handler runs, and settles when it is over. */
export class Admissions {
  readonly #limiter: Limiter
  readonly #clock: Clock
  readonly #rules: Rules
  readonly #prices: Prices
  readonly #typical = new Typical()

  constructor({ limiter, clock, rules, prices }: AdmissionsOptions) {
    this.#limiter = limiter
    this.#clock = clock
    this.#rules = rules
    this.#prices = prices
  }

  /** Undefined when nobody has to be asked. Never rejects. */
  ask(capture: Capture, subject: Subject): Promise<Admission> | undefined {
    const waiting = this.#rules.ready()
    if (waiting === undefined) return this.#ask(capture, subject)
    return waiting.then((isKnown) => {
      if (!isKnown) this.#limiter.distrust()
      return this.#ask(capture, subject) ?? { outcome: 'unlimited' }
    })
  }

  #ask(capture: Capture, subject: Subject): Promise<Admission> | undefined {
    const block = this.#rules.accounts.blockOf(subject.user_id)
    if (block !== undefined) return Promise.resolve({ outcome: 'barred', reason: block.reason })
    const levels = this.#rules.levelsOf(subject)
    if (levels.length === 0) return undefined
    const amount = this.#amountOf(capture, subject, levels)
    if (amount instanceof Promise) {
      return amount.then((most) => this.#askFor(capture, levels, most))
    }
    return this.#askFor(capture, levels, amount)
  }

  async #askFor(capture: Capture, levels: readonly Level[], amount: Amount): Promise<Admission> {
    let joint = await admitAll(this.#limiter, levels, amount)
    const until = this.#clock.elapsed() + throttleMs
    while (
      mayWait(joint.admission) &&
      capture.ending === undefined &&
      this.#clock.elapsed() < until
    ) {
      await sleep(stepMs)
      joint = await admitAll(this.#limiter, levels, amount)
    }
    const { admission, reservations } = joint
    if (reservations.length === 0) return admission
    // The client has left meanwhile, and what it began is over already.
    if (capture.ending !== undefined) this.#settleAll(reservations, nothing)
    else capture.reservation = this.#heldFor(capture, reservations)
    return admission
  }

  /** Counts an operation that nobody asked for: recorded from outside, or whose user was known late. */
  charge(event: UnrecordedEvent): void {
    const startedAt = event.timestamp.getTime()
    for (const { subject, plan } of this.#rules.levelsOfEvent(event)) {
      this.#limiter.charge(subject, plan, amountOf(event), startedAt)
    }
  }

  /** Settles what was held for an operation, or counts it where nothing was. */
  settle(capture: Capture, event: UnrecordedEvent): void {
    if (capture.reservation !== undefined) capture.reservation.settle(event)
    else if (event.status !== 'blocked') this.charge(event)
  }

  #settleAll(reservations: readonly Reservation[], used: Amount): void {
    for (const one of reservations) this.#limiter.settle(one, used)
  }

  #heldFor(capture: Capture, reservations: readonly Reservation[]): Held {
    return {
      settle: (event) => {
        if (capture.reservation === undefined) return
        capture.reservation = undefined
        this.#settleAll(reservations, event === undefined ? nothing : amountOf(event))
        if (event === undefined) return
        const { user_id, operation_type, tokens_used, cost_nano_usd } = event
        this.#typical.add(user_id, operation_type, tokens_used, cost_nano_usd)
      },
    }
  }

  /** What is held: the most it can use where a limit is strict, else what is usual. */
  #amountOf(
    { operation, req }: Capture,
    { user_id }: Subject,
    levels: readonly Level[],
  ): MaybePromise<Amount> {
    if (levels.some(({ plan }) => plan.limits.some(isStrict))) {
      return andThen(this.#prices.ready(), () =>
        upperBound(req, (usage, at) => this.#prices.price(usage, at), this.#clock.now()),
      )
    }
    const usual = this.#typical.of(user_id, operation.type)
    return {
      requests: 1,
      tokens: usual?.tokens ?? operation.estimateTokens,
      cost: usual?.cost ?? 0,
    }
  }
}

function isStrict({ metric, reservation }: Limit): boolean {
  return reservation === 'strict' && metric !== 'requests'
}

/** Refused by limits of which every one says that it would rather wait. */
function mayWait(admission: Admission): boolean {
  return (
    admission.outcome === 'refused' &&
    admission.violated.length > 0 &&
    admission.violated.every(({ limit }: { limit: Limit }) => limit.enforcement === 'throttle')
  )
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
