import { plansOf } from '../../src/limits/plan-options.js'
import type { Connection } from 'mongoose'
import { systemClock } from '../../src/clock.js'
import type { UsageEvent } from '../../src/event.js'
import { globalUsage } from '../../src/insight/global-usage.js'
import { userUsage } from '../../src/insight/user-usage.js'
import { isLate } from '../../src/rollup/freshness.js'
import type { RollupDoor } from '../../src/rollup/roller.js'
import { createStore, type Store } from '../../src/store/store.js'
import { dayMs, floorTo, type Span } from '../../src/time.js'

/** What a test says of an event; the rest is made up. */
export type EventFacts = Partial<UsageEvent> & { timestamp: Date }

/** A log with rollups in a time of its own, and the same log in plain memory. */
export class World {
  readonly store: Store
  readonly #other: Store
  readonly #connection: Connection
  readonly log: UsageEvent[] = []
  now: number

  constructor(connection: Connection, now: string | number) {
    this.#connection = connection
    this.store = createStore(connection, systemClock)
    this.#other = createStore(connection, systemClock)
    this.now = new Date(now).getTime()
  }

  /** The store as the roller of one of two instances sees it. */
  door(instance: 0 | 1 = 0): RollupDoor {
    const store = instance === 0 ? this.store : this.#other
    return { ...store, db: { serverNow: () => Promise.resolve(new Date(this.now)) } }
  }

  /** Appends events as the ledger would now. */
  async append(events: readonly EventFacts[]): Promise<void> {
    if (events.length === 0) return
    const stamped = events.map((facts) => this.#event(facts))
    const { outcome } = await this.store.logs.append(stamped)
    if (outcome !== 'settled') throw new Error(outcome)
    this.log.push(...stamped)
  }

  #event(facts: EventFacts): UsageEvent {
    const recorded_at = new Date(this.now)
    const { input_tokens = 10, output_tokens = 5, success = true } = facts
    return {
      _id: crypto.randomUUID(),
      user_id: 'alice',
      tier: 'free',
      endpoint: '/ai/chat',
      operation_type: 'chat',
      token_source: 'provider',
      cost_nano_usd: null,
      status: success ? 'ok' : 'error',
      stream: false,
      attempts: 1,
      ...facts,
      success,
      input_tokens,
      output_tokens,
      tokens_used: input_tokens + output_tokens,
      recorded_at,
      ...(isLate(facts.timestamp, recorded_at) && { late: true as const }),
    }
  }

  userUsage(user_id: string, span: Span, timezone: string) {
    const plan = plansOf({}, 'open').get('free')
    if (plan === undefined) throw new Error('no free plan')
    const question = { user_id, span, timezone, billingTimezone: timezone, now: this.now, plan }
    return userUsage(this.store, question)
  }

  globalUsage(span: Span, timezone: string) {
    return globalUsage(this.store, span, timezone)
  }

  /** UTC days that hold events. */
  days(): number[] {
    return [...new Set(this.log.map(({ timestamp }) => floorTo(timestamp.getTime(), dayMs)))]
  }

  /** Every rollup document, byte for byte. */
  async rollupBytes(): Promise<string[]> {
    const found: string[] = []
    for (const name of ['daily_stats', 'usage_intervals']) {
      const documents = await this.#connection
        .collection(name)
        .find({}, { raw: true })
        .sort({ _id: 1 })
        .toArray()
      for (const bytes of documents) found.push(`${name} ${bytesOf(bytes).toString('hex')}`)
    }
    return found
  }
}

function bytesOf(document: unknown): Buffer {
  if (document instanceof Uint8Array) return Buffer.from(document)
  throw new Error('the driver gave a document that is not raw')
}

export function span(from: string | number, to: string | number): Span {
  return { from: new Date(from), to: new Date(to) }
}
