import type { KnownAccounts } from '../accounts/known-accounts.js'
import type { Capture, Held, Subject } from '../capture/capture.js'
import type { Clock } from '../clock.js'
import type { UnrecordedEvent } from '../event.js'
import { nothing, type Amount } from './amount.js'
import { amountOf, type Admission, type Limiter, type Reservation } from './limiter.js'
import type { Limit, Plan } from './plan.js'
import { andThen, type MaybePromise } from '../maybe-promise.js'
import type { PriceBook } from '../pricing/price-book.js'
import type { PlanBook } from './plans.js'
import { Typical } from './typical.js'
import { upperBound } from './upper-bound.js'

type Prices = Pick<PriceBook, 'ready' | 'price'>
type Accounts = Pick<KnownAccounts, 'ready' | 'blockOf'>

export interface AdmissionsOptions {
  readonly limiter: Limiter
  readonly clock: Clock
  readonly plans: PlanBook
  readonly prices: Prices
  readonly accounts: Accounts
}

/** How long a throttled operation waits for room at most, ms. */
const throttleMs = 10_000
const stepMs = 250

/** Asks the plan of whoever sends a request, before its handler runs, and settles when it is over. */
export class Admissions {
  readonly #limiter: Limiter
  readonly #clock: Clock
  readonly #plans: PlanBook
  readonly #prices: Prices
  readonly #accounts: Accounts
  readonly #typical = new Typical()

  constructor({ limiter, clock, plans, prices, accounts }: AdmissionsOptions) {
    this.#limiter = limiter
    this.#clock = clock
    this.#plans = plans
    this.#prices = prices
    this.#accounts = accounts
  }

  /** Undefined when nobody has to be asked. Never rejects. */
  ask(capture: Capture, subject: Subject): Promise<Admission> | undefined {
    const waiting = this.#accounts.ready()
    if (waiting === undefined) return this.#ask(capture, subject)
    return waiting.then((isKnown) => {
      if (!isKnown) this.#limiter.distrust()
      return this.#ask(capture, subject) ?? { outcome: 'unlimited' }
    })
  }

  #ask(capture: Capture, subject: Subject): Promise<Admission> | undefined {
    const block = this.#accounts.blockOf(subject.user_id)
    if (block !== undefined) return Promise.resolve({ outcome: 'barred', reason: block.reason })
    const plan = this.#plans.ofSubject(subject)
    if (plan.limits.length === 0 && plan.concurrency === null) return undefined
    const amount = this.#amountOf(capture, subject, plan)
    if (amount instanceof Promise) {
      return amount.then((most) => this.#askFor(capture, subject, plan, most))
    }
    return this.#askFor(capture, subject, plan, amount)
  }

  async #askFor(capture: Capture, subject: Subject, plan: Plan, amount: Amount) {
    const asked = this.#limiter.admit(`user:${subject.user_id}`, plan, amount)
    return this.#follow(asked, capture, plan, subject, amount)
  }

  async #follow(
    asked: Promise<Admission>,
    capture: Capture,
    plan: Plan,
    subject: Subject,
    amount: Amount,
  ): Promise<Admission> {
    let admission = await asked
    const until = this.#clock.elapsed() + throttleMs
    while (mayWait(admission) && capture.ending === undefined && this.#clock.elapsed() < until) {
      await sleep(stepMs)
      admission = await this.#limiter.admit(`user:${subject.user_id}`, plan, amount)
    }
    if (!('reservation' in admission)) return admission
    // The client has left meanwhile, and what it began is over already.
    if (capture.ending !== undefined) this.#limiter.settle(admission.reservation, nothing)
    else capture.reservation = this.#heldFor(capture, admission.reservation)
    return admission
  }

  /** Counts an operation that nobody asked for: recorded from outside, or whose user was known late. */
  charge(event: UnrecordedEvent): void {
    const plan = this.#plans.ofUser(event.user_id, event.tier)
    const startedAt = event.timestamp.getTime()
    this.#limiter.charge(`user:${event.user_id}`, plan, amountOf(event), startedAt)
  }

  /** Settles what was held for an operation, or counts it where nothing was. */
  settle(capture: Capture, event: UnrecordedEvent): void {
    if (capture.reservation !== undefined) capture.reservation.settle(event)
    else if (event.status !== 'blocked') this.charge(event)
  }

  #heldFor(capture: Capture, reservation: Reservation): Held {
    return {
      settle: (event) => {
        if (capture.reservation === undefined) return
        capture.reservation = undefined
        this.#limiter.settle(reservation, event === undefined ? nothing : amountOf(event))
        if (event === undefined) return
        const { user_id, operation_type, tokens_used, cost_nano_usd } = event
        this.#typical.add(user_id, operation_type, tokens_used, cost_nano_usd)
      },
    }
  }

  /** What is held: the most it can use where a limit is strict, else what is usual. */
  #amountOf({ operation, req }: Capture, { user_id }: Subject, plan: Plan): MaybePromise<Amount> {
    if (plan.limits.some(isStrict)) {
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
