import type { Request } from 'express'
import type { Connection } from 'mongoose'
import { randomUUID } from 'node:crypto'
import type { Capture, Subject } from './capture/capture.js'
import { complete, type CompletionContext } from './capture/complete.js'
import { OperationTable } from './capture/operations.js'
import type { UnrecordedEvent } from './event.js'
import { anonymousUserId } from './identity/user-id.js'
import type { Caller, Verdict } from './identity/verifier.js'
import { ledgerDoor } from './ledger/door.js'
import { Episode } from './ledger/episode.js'
import { parseExternalEvent } from './ledger/external-event.js'
import { Intake } from './ledger/intake.js'
import { Ledger } from './ledger/ledger.js'
import { Submissions, type Submitted } from './ledger/submit.js'
import { UsageMetrics } from './metrics/usage-metrics.js'
import { PlanBook } from './limits/plans.js'
import { andThen, type MaybePromise } from './maybe-promise.js'
import { Meter } from './meter.js'
import type { Config } from './options.js'
import { createPriceBook, type PriceBook } from './pricing/price-book.js'
import { priceEvent } from './pricing/price-event.js'
import type { PriceDoor } from './pricing/stored-prices.js'
import { RollupSchedule } from './rollup/schedule.js'
import { createStore, type Store } from './store/store.js'
import { createTokenCounter, type TokenCounter } from './tokens/counter.js'

type FindCaller = (req: Request) => MaybePromise<Verdict>

/** Everything behind the middleware and the routes, wired together, with one life. */
export class House {
  readonly store: Store
  readonly ledger: Ledger
  readonly meter: Meter
  readonly plans: PlanBook
  readonly prices: PriceBook
  readonly metrics: UsageMetrics
  readonly #submissions: Submissions
  readonly #config: Config
  readonly #counter: TokenCounter
  readonly #intake: Intake
  readonly #schedule: RollupSchedule
  readonly #listeners = new Set<() => void>()
  readonly #find: FindCaller
  readonly #mistakes: Episode
  #lastMistake = ''
  #preparing: Promise<void> | undefined
  #isClosed = false
  #closing: Promise<{ flushed: boolean; left_in_spool: number }> | undefined

  constructor(config: Config, connection: Connection, find: FindCaller) {
    const { clock, logger } = config
    this.#config = config
    this.#find = find
    this.#mistakes = new Episode(clock, () => logger.warn(`usage: ${this.#lastMistake}`))
    this.store = createStore(connection, clock)
    this.plans = new PlanBook(config.defaultPlan, (tier) =>
      logger.warn(`usage: unknown tier ${JSON.stringify(tier)}, treated as ${config.defaultPlan}`),
    )
    this.#counter = createTokenCounter({ logger, clock })
    this.ledger = new Ledger({
      door: ledgerDoor(this.store),
      clock,
      logger,
      ...config.ledger,
      onWritten: () => this.#announce(),
    })
    this.prices = createPriceBook(config, this.#priceDoor())
    this.metrics = new UsageMetrics(() => this.ledger.stats())
    this.#submissions = new Submissions(this.ledger, this.store.logs)
    this.#intake = this.#createIntake()
    this.meter = this.#createMeter()
    this.#schedule = new RollupSchedule(this.store, config)
    this.#schedule.start()
    this.ready().catch(() => undefined)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Reads an event of `record` or `POST /events`. Throws `invalid_event`. */
  parseEvent(input: unknown, sender: string): UnrecordedEvent {
    const { operations, clock, metadata } = this.#config
    return parseExternalEvent(withId(input, sender), {
      now: clock.now(),
      sender,
      metadataKeys: metadata,
      tierOf: (tier) => this.plans.of(tier).tier,
      estimateOf: (type) =>
        operations.find((operation) => operation.type === type)?.estimateTokens ?? 0,
    })
  }

  /** Prices events and takes them, each id once. */
  async submit(events: readonly UnrecordedEvent[]): Promise<Submitted[]> {
    await this.prices.ready()
    for (const event of events) priceEvent(event, (usage, at) => this.prices.price(usage, at))
    const submitted = await this.#submissions.submit(events)
    submitted.forEach(({ outcome }, index) => {
      const event = events[index]
      if (event && outcome === 'accepted') this.metrics.count(event)
    })
    return submitted
  }

  /** Calls back whenever events have reached the log; answers how to stop. */
  onActivity(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  ready(): Promise<void> {
    this.#preparing ??= this.store.prepare().catch((error: unknown) => {
      this.#preparing = undefined
      throw error
    })
    return this.#preparing
  }

  async flush(): Promise<void> {
    await this.#intake.settled()
    await this.ledger.flush()
  }

  close(deadlineMs: number, own: Connection | undefined) {
    this.#closing ??= this.#close(deadlineMs, own)
    return this.#closing
  }

  async #close(deadlineMs: number, own: Connection | undefined) {
    const { clock } = this.#config
    const began = clock.elapsed()
    this.#isClosed = true
    const drained = this.meter.stop()
    // Realtime streams look up and end.
    this.#announce()
    await this.#schedule.stop()
    // A response that never ends must not take the time in which the others are written.
    await within(drained, deadlineMs * 0.7)
    const flushed = await within(this.flush(), deadlineMs - (clock.elapsed() - began))
    this.ledger.stop()
    await this.#counter.close()
    const left_in_spool = this.#intake.depth + this.ledger.depth
    if (own) await own.close()
    return { flushed: flushed && left_in_spool === 0, left_in_spool }
  }

  /** The first events may come before the connection: their prices wait for it, a bounded time. */
  #priceDoor(): PriceDoor {
    const { prices } = this.store
    return {
      version: () => this.ready().then(() => prices.version()),
      overrides: () => prices.overrides(),
    }
  }

  #createIntake(): Intake {
    const { clock, capture } = this.#config
    const context: CompletionContext = {
      counter: this.#counter,
      prices: this.prices,
      maxBodyBytes: capture.maxBodyBytes,
      anonymous: { user_id: anonymousUserId },
      tierOf: ({ tier }) => this.plans.of(this.#config.trustTierClaim ? tier : undefined).tier,
      identifyLate: (late) => this.#identifyLate(late),
    }
    return new Intake({
      ledger: this.ledger,
      elapsed: () => clock.elapsed(),
      onError: (error) => this.#mistake(`completing an event failed: ${String(error)}`),
      complete: (one, ending) =>
        andThen(complete(one, ending, context), (event) => {
          this.metrics.count(event)
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
      metadata,
      idempotencyKey: idempotencyKey && ((req) => idempotencyKey(req as Request)),
      onMistake: (what) => this.#mistake(what),
    })
  }

  #identifyLate({ req }: Capture): MaybePromise<Subject | undefined> {
    if (this.#config.identify === undefined) return undefined
    return andThen(this.#find(req as Request), (verdict) =>
      verdict.ok ? subjectOf(verdict.caller) : undefined,
    )
  }

  #announce(): void {
    for (const listener of this.#listeners) listener()
  }

  #mistake(what: string): void {
    this.#lastMistake = what
    this.#mistakes.happened()
  }
}

function subjectOf({ user_id, tier, org_id }: Caller): Subject {
  return { user_id, ...(tier !== undefined && { tier }), ...(org_id !== undefined && { org_id }) }
}

/** Events of `record` may come without an id: each call is then a new operation. */
function withId(input: unknown, sender: string): unknown {
  if (sender !== 'record' || typeof input !== 'object' || input === null) return input
  return { id: randomUUID(), ...input }
}

async function within(work: Promise<void>, deadlineMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), deadlineMs)
  })
  try {
    return await Promise.race([work.then(() => true), deadline])
  } finally {
    clearTimeout(timer)
  }
}
