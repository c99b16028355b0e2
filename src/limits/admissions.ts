import { setTimeout } from 'node:timers'
import type { Capture, Held, Subject } from '../capture/capture.js'
import type { Clock } from '../clock.js'
import type { UnrecordedEvent } from '../event.js'
import { nothing, type Amount } from './amount.js'
import { amountOf, type Admission, type Level, type Limiter, type Reservation } from './limiter.js'
import { admitAll, type JointAdmission } from './hierarchy.js'
import type { Limit } from './plan.js'
import { leastRecent } from '../least-recent.js'
import { andThen, type MaybePromise } from '../maybe-promise.js'
import type { Notices } from '../notices/notices.js'
import type { PriceBook } from '../pricing/price-book.js'
import type { Rules } from './rules.js'
import { floorTo, minuteMs } from '../time.js'
import { isKnownBefore } from './standing.js'
import { Typical } from './typical.js'
import { upperBound } from './upper-bound.js'
import type { Watch } from './watch.js'

export type Prices = Pick<PriceBook, 'ready' | 'price'>

export interface AdmissionsOptions {
  readonly limiter: Limiter
  readonly clock: Clock
  readonly rules: Rules
  readonly prices: Prices
  readonly notices: Notices
  readonly watch: Watch
}

/** How long a throttled operation waits for room at most, ms. */
const throttleMs = 10_000
const stepMs = 250
const minWaitMs = 25

/** Asks the plan of whoever sends a request, before its handler runs, and settles when it is over. */
export class Admissions {
  readonly #limiter: Limiter
  readonly #clock: Clock
  readonly #rules: Rules
  readonly #prices: Prices
  readonly #notices: Notices
  readonly #watch: Watch
  readonly #typical = new Typical()
  /** Ids of operations whose retries share them. */
  readonly #retried = leastRecent<string, true>(50_000)

  constructor({ limiter, clock, rules, prices, notices, watch }: AdmissionsOptions) {
    this.#limiter = limiter
    this.#clock = clock
    this.#rules = rules
    this.#prices = prices
    this.#notices = notices
    this.#watch = watch
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
    if (block !== undefined) {
      this.#tellBlocked(subject.user_id, block)
      return Promise.resolve({ outcome: 'barred', reason: block.reason })
    }
    const levels = this.#rules.levelsOf(subject)
    if (levels.length === 0) return undefined
    const amount = this.#amountOf(capture, subject, levels)
    if (amount instanceof Promise) {
      return amount.then((most) => this.#askFor(capture, levels, most))
    }
    return this.#askFor(capture, levels, amount)
  }

  async #askFor(capture: Capture, levels: readonly Level[], amount: Amount): Promise<Admission> {
    const { admission, reservations } = await this.#admit(capture, levels, amount)
    if (reservations.length === 0) return admission
    // The client has left meanwhile, and what it began is over already.
    if (capture.ending !== undefined) this.#settleAll(reservations, nothing)
    else capture.reservation = this.#heldFor(capture, reservations)
    return admission
  }

  /** Waits a bounded time: where every limit that refuses would rather have it wait, and to keep pace. */
  async #admit(
    capture: Capture,
    levels: readonly Level[],
    amount: Amount,
  ): Promise<JointAdmission> {
    const began = this.#clock.elapsed()
    const until = began + throttleMs
    let hasWaited = false
    for (;;) {
      const joint = await admitAll(this.#limiter, levels, amount)
      const waitMs = throttledMs(joint.admission, this.#clock.now())
      const isVain = waitMs === undefined || this.#clock.elapsed() + waitMs > until
      if (capture.ending === undefined && !isVain) {
        await this.#wait(capture, this.#clock.elapsed() + waitMs)
        hasWaited = true
        continue
      }
      const { admission, delayMs, refusedBy } = joint
      if (delayMs > 0) await this.#wait(capture, Math.min(this.#clock.elapsed() + delayMs, until))
      if (hasWaited || delayMs > 0) noteWait(capture, this.#clock.elapsed() - began)
      if (admission.outcome === 'refused' && refusedBy !== undefined) {
        this.#watch.refused(refusedBy, admission.violated)
      }
      return joint
    }
  }

  /** Waits until an instant of the clock, or until the client has left. */
  async #wait(capture: Capture, until: number): Promise<void> {
    while (capture.ending === undefined && this.#clock.elapsed() < until) {
      await sleep(Math.min(stepMs, Math.max(1, until - this.#clock.elapsed())))
    }
  }

  /** Counts an operation that nobody asked for: recorded from outside, or whose user was known late. */
  charge(event: UnrecordedEvent): void {
    const startedAt = event.timestamp.getTime()
    for (const level of this.#rules.levelsOfEvent(event)) {
      this.#limiter.charge(level.subject, level.plan, amountOf(event), startedAt)
      this.#watch.touched(level)
    }
  }

  /** Forgets what a user's operations usually use. */
  forget(userId: string): void {
    this.#typical.forget(userId)
  }

  /** Settles what was held for an operation, or counts it where nothing was. */
  settle(capture: Capture, event: UnrecordedEvent): void {
    const counts = event.status !== 'blocked' && !this.#isRepeated(capture, event)
    if (capture.reservation !== undefined) capture.reservation.settle(counts ? event : undefined)
    else if (counts) this.charge(event)
  }

  /** Whether it is a retry of what was settled here: the log keeps the first. Healing knows of others. */
  #isRepeated({ idempotencyKey }: Capture, { _id }: UnrecordedEvent): boolean {
    if (idempotencyKey === undefined) return false
    const isKnown = this.#retried.has(_id)
    this.#retried.set(_id, true)
    return isKnown
  }

  #settleAll(reservations: readonly Reservation[], used: Amount): void {
    for (const one of reservations) {
      this.#limiter.settle(one, used)
      this.#watch.touched(one)
    }
  }

  #tellBlocked(user_id: string, { reason, since }: { reason: string; since: Date }): void {
    this.#notices.raise('blocked', `user:${user_id}:${since.getTime()}`, Infinity, () => ({
      ...{ type: 'blocked', scope: 'user', user_id, reason, since },
      at: new Date(this.#clock.now()),
    }))
  }

  #heldFor(capture: Capture, reservations: readonly Reservation[]): Held {
    const admittedAt = this.#clock.now()
    return {
      ended: () => {
        for (const one of reservations) this.#limiter.ended(one)
      },
      settle: (event) => {
        if (capture.reservation === undefined) return
        capture.reservation = undefined
        this.#settleAll(reservations, event === undefined ? nothing : amountOf(event))
        if (event === undefined) return
        const isSameMinute = floorTo(admittedAt, minuteMs) === floorTo(+event.timestamp, minuteMs)
        if (!isSameMinute) event.admitted_at = new Date(admittedAt)
        this.#typical.add(event)
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
    return this.#typical.amountOf(req, user_id, operation)
  }
}

function isStrict({ metric, reservation }: Limit): boolean {
  return reservation === 'strict' && metric !== 'requests'
}

/**
 * How long to wait before asking again, ms; undefined where it was not refused, or by limits that do
 * not wait. Where something runs that may give back what it holds, that is looked for in between.
 */
function throttledMs(admission: Admission, now: number): number | undefined {
  if (admission.outcome !== 'refused' || admission.violated.length === 0) return undefined
  const { violated } = admission
  if (!violated.every(({ limit }) => limit.enforcement === 'throttle')) return undefined
  const waits = violated.map((one) => {
    const room = Math.max(minWaitMs, Math.ceil(one.resetsAt - now))
    return isKnownBefore(one.limit) && one.held > 0 ? Math.min(stepMs, room) : room
  })
  return Math.max(...waits)
}

function noteWait({ annotations }: Capture, waitedMs: number): void {
  annotations.queue_wait_ms = Math.round(waitedMs) + (annotations.queue_wait_ms ?? 0)
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
