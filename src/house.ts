import type { Request } from 'express'
import { complete, type CompletionContext } from './capture/complete.js'
import { OperationTable } from './capture/operations.js'
import { Complaints } from './complaints.js'
import { endingMs, within } from './deadline.js'
import { Entrance } from './entrance.js'
import { createEraser } from './erasure/create-eraser.js'
import type { Eraser } from './erasure/eraser.js'
import { faultOf } from './fault.js'
import { createHostReaders, type HostReaders } from './capture/readers/host-readers.js'
import type { Correction, UnrecordedEvent } from './event.js'
import { anonymousUserId } from './identity/user-id.js'
import type { Verdict } from './identity/verifier.js'
import { correctEvent } from './ledger/correct.js'
import { createLedger } from './ledger/create-ledger.js'
import { createEventParser, type EventParser } from './ledger/event-parser.js'
import { Intake } from './ledger/intake.js'
import type { Ledger } from './ledger/ledger.js'
import { Submissions, type Submitted } from './ledger/submit.js'
import { UsageMetrics } from './metrics/usage-metrics.js'
import { Jobs } from './jobs.js'
import { lateCaller } from './late-caller.js'
import { Limits } from './limits/limits.js'
import type { PlanBook } from './limits/plans.js'
import { andThen, type MaybePromise } from './maybe-promise.js'
import { Meter } from './meter.js'
import type { Config } from './config.js'
import { Notices } from './notices/notices.js'
import { tellUnpriced } from './notices/unpriced.js'
import { createOutbound, type Outbound } from './outbound/outbound.js'
import { Waiting } from './outbound/waiting.js'
import { createPriceBook, type PriceBook } from './pricing/price-book.js'
import { priceEvent } from './pricing/price-event.js'
import { priceDoor } from './pricing/stored-prices.js'
import type { Pools } from './store/pools.js'
import { prepare } from './store/prepare.js'
import { createStore, type Store } from './store/store.js'
import { createTokenCounter, type TokenCounter } from './tokens/counter.js'

/** How long `flush` waits for operations whose provider calls run still, ms. */
const heldBackMs = 1_000
type FindCaller = (req: Request) => MaybePromise<Verdict>

/** Everything behind the middleware and the routes, wired together, with one life. */
export class House {
  readonly store: Store
  readonly ledger: Ledger
  readonly meter: Meter
  readonly entrance: Entrance
  readonly plans: PlanBook
  readonly prices: PriceBook
  readonly parseEvent: EventParser
  readonly metrics: UsageMetrics
  readonly limits: Limits
  readonly notices: Notices
  readonly eraser: Eraser
  readonly #submissions: Submissions
  readonly #config: Config
  readonly #counter: TokenCounter
  readonly #intake: Intake
  readonly #outbound: Outbound | undefined
  readonly #readers: HostReaders | undefined
  readonly #waiting: Waiting
  readonly #jobs: Jobs
  readonly #listeners = new Set<() => void>()
  readonly #find: FindCaller
  readonly #complaints: Complaints
  #preparing: Promise<void> | undefined
  #isClosed = false
  #closing: Promise<{ flushed: boolean; left_in_spool: number }> | undefined

  constructor(config: Config, pools: Pools, find: FindCaller) {
    const { clock, logger } = config
    this.#config = config
    this.#find = find
    this.#complaints = new Complaints(clock, logger)
    this.store = createStore(pools, clock)
    const ready = () => this.ready()
    this.notices = new Notices({ door: this.store.notices, clock, logger })
    this.prices = createPriceBook(config, priceDoor(this.store.prices, ready))
    const { store, prices, notices } = this
    this.limits = new Limits({ config, store, prices, notices, ready })
    this.plans = this.limits.rules.book
    this.parseEvent = createEventParser(config, this.limits.rules)
    this.#counter = createTokenCounter({ logger, clock })
    this.ledger = createLedger(config, this.store, () => this.#announce())
    this.metrics = new UsageMetrics(() => this.ledger.stats())
    this.#submissions = new Submissions(this.ledger, this.store.logs, clock)
    this.#intake = this.#createIntake()
    this.#readers = createHostReaders(config.capture.readers, (what) =>
      this.#complaints.mistake(what),
    )
    this.#outbound = createOutbound(config.capture, this.#readers)
    this.#waiting = new Waiting(this.#outbound !== undefined)
    this.meter = this.#createMeter()
    this.entrance = new Entrance({
      ...{ ledger: this.ledger, plans: this.plans, outbound: this.#outbound },
      onMistake: (what) => this.#complaints.mistake(what),
    })
    this.eraser = createEraser(config, this)
    this.#jobs = new Jobs(config, this)
    this.ready().catch(() => undefined)
    void this.ledger.takeOver(() => this.ready().then(() => this.store.state.databaseId()))
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Prices events and takes them, each id once. */
  async submit(events: readonly UnrecordedEvent[]): Promise<Submitted[]> {
    await this.prices.ready()
    for (const event of events) priceEvent(event, (usage, at) => this.prices.price(usage, at))
    const submitted = await this.#submissions.submit(events)
    if (submitted.some(({ outcome }) => outcome === 'accepted')) await this.ledger.durable()
    submitted.forEach(({ outcome }, index) => {
      const event = events[index]
      if (event === undefined || outcome !== 'accepted') return
      this.#count(event)
      this.limits.admissions.charge(event)
    })
    return submitted
  }

  /** Puts a provider's later figures in the place of an event's own; false while it is not stored. */
  async correct(id: string, correction: Correction): Promise<boolean> {
    const corrected = await correctEvent(this.store, this.#config.clock, id, correction)
    if (corrected) this.#announce()
    return corrected
  }

  /** Calls back whenever events have reached the log; answers how to stop. */
  onActivity(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  ready(): Promise<void> {
    this.#preparing ??= prepare(this.store, this.#config.logger).catch((error: unknown) => {
      this.#preparing = undefined
      throw error
    })
    return this.#preparing
  }

  async flush(): Promise<void> {
    // What waits for its provider is given a moment; the rest does not wait for it.
    await Promise.all([this.stored(), this.#waiting.settled(heldBackMs)])
    await this.stored()
  }

  /** Resolves when all whose answers and provider calls are over is in the log. */
  async stored(): Promise<void> {
    this.meter.takeFlushed()
    await this.#intake.settled()
    await this.ledger.flush()
  }

  close(deadlineMs: number) {
    this.#closing ??= this.#close(deadlineMs)
    return this.#closing
  }

  async #close(deadlineMs: number) {
    const { clock } = this.#config
    const began = clock.elapsed()
    this.#isClosed = true
    const drained = this.meter.stop()
    // Realtime streams look up and end.
    this.#announce()
    await within(this.#jobs.stop(), Math.min(endingMs, deadlineMs * 0.1))
    // A response that never ends must not take the time in which the others are written.
    await within(drained, deadlineMs * 0.7)
    // Nor may a provider that never ends its answer.
    await this.#waiting.settled(Math.max(0, deadlineMs * 0.7 - (clock.elapsed() - began)))
    this.#waiting.stop()
    this.#outbound?.stop()
    const left = () => deadlineMs - (clock.elapsed() - began)
    let flushed = await within(this.flush(), left() * 0.7)
    // What is being counted still is estimated, which takes no time.
    await this.#counter.close()
    flushed ||= await within(this.flush(), left())
    const lost = await this.ledger.close()
    await within(this.limits.flush(), 500)
    this.limits.stop()
    // What is being completed still has its beginning there.
    const isOnDisk = this.ledger.stats().durability !== 'memory'
    const left_in_spool = this.ledger.depth + (isOnDisk ? this.#intake.depth : 0)
    return { flushed: flushed && left_in_spool + lost === 0, left_in_spool }
  }

  #createIntake(): Intake {
    const { clock } = this.#config
    const context: CompletionContext = {
      counter: this.#counter,
      onFlags: (flags, provider) => this.#complaints.flagged(flags, provider),
      prices: this.prices,
      anonymous: { user_id: anonymousUserId },
      tierOf: (subject) => this.plans.ofSubject(subject).tier,
      orgOf: (userId) => this.limits.rules.accounts.orgOf(userId),
      identifyLate: lateCaller(this.#config.identify, (req) => this.#find(req as Request)),
    }
    return new Intake({
      ledger: this.ledger,
      elapsed: () => clock.elapsed(),
      onError: (error) => this.#complaints.mistake(`completing an event failed: ${faultOf(error)}`),
      hold: (one, ending) => this.#waiting.hold(one, ending),
      complete: (one, ending) =>
        andThen(complete(one, ending, context), (event) => {
          one.proxied?.onEvent?.(event)
          this.limits.admissions.settle(one, event)
          this.#count(event)
          return event
        }),
    })
  }

  #createMeter(): Meter {
    const { clock, capture, metadata, operations, idempotencyKey } = this.#config
    return new Meter({
      table: new OperationTable(operations),
      intake: this.#intake,
      clock,
      maxBodyBytes: capture.maxBodyBytes,
      readers: this.#readers,
      metadata,
      idempotencyKey: idempotencyKey && ((req) => idempotencyKey(req as Request)),
      onMistake: (what) => this.#complaints.mistake(what),
    })
  }

  #count(event: UnrecordedEvent): void {
    this.metrics.count(event)
    tellUnpriced(this.notices, event, this.#config.clock.now())
  }

  #announce(): void {
    for (const listener of this.#listeners) listener()
  }
}
