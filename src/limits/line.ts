import { clearTimeout, setTimeout } from 'node:timers'
import type { Clock } from '../clock.js'
import { Turns, type Place, type Standing } from './turns.js'

export interface LineOptions {
  /** How many may run at once. */
  readonly concurrency: number
  /** How long one may wait, ms. */
  readonly maxWaitMs: number
  /** How many may wait. */
  readonly maxQueue: number
  readonly clock: Pick<Clock, 'elapsed'>
}

/** What becomes of one who waits: told once, with the ms it has waited; never of one who has left. */
export interface Fate {
  start(waitedMs: number): void
  refuse(waitedMs: number): void
}

/** One who waits, or has waited. */
export interface Ticket {
  readonly seq: number
  readonly since: number
  readonly fate: Fate
  place: Place<Ticket> | undefined
  state: 'waiting' | 'running' | 'over'
}

/** What part of `maxWaitMs` a lower priority waits before it gets its share of the starts. */
const patience = 1 / 4

/** Lets a bounded number run at once; a bounded number waits for its turn, a bounded time. */
export class Line {
  readonly #options: LineOptions
  readonly #turns: Turns<Ticket>
  #running = 0
  #waiting = 0
  #seq = 0
  #isHanding = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: LineOptions) {
    this.#options = options
    this.#turns = new Turns(options.maxWaitMs * patience)
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting
  }

  /** How long the one who has waited longest has waited, ms. */
  get delayMs(): number {
    const { oldest } = this.#turns
    return oldest ? this.#options.clock.elapsed() - oldest.since : 0
  }

  /** Takes a free slot, if there is one; `release` gives it back. */
  enter(): boolean {
    if (this.#waiting > 0 || this.#running >= this.#options.concurrency) return false
    this.#running += 1
    return true
  }

  /** Gives back what `enter` took. */
  release(): void {
    this.#running -= 1
    this.#hand()
  }

  /**
   * Waits, after `enter` has refused; undefined when too many do, and none of them has to give way.
   * `finish` ends it, be it early.
   */
  join(standing: Standing, fate: Fate): Ticket | undefined {
    const since = this.#options.clock.elapsed()
    const rival = this.#waiting < this.#options.maxQueue ? undefined : this.#turns.rivalOf(standing)
    if (rival) this.#refuse(rival, since)
    if (this.#waiting >= this.#options.maxQueue) return undefined
    const ticket: Ticket = { seq: this.#seq++, since, fate, place: undefined, state: 'waiting' }
    this.#waiting += 1
    this.#turns.add(ticket, standing)
    if (this.#timer === undefined) this.#watch()
    return ticket
  }

  /** Learns later where one stands who waits; nothing changes for one who does no more. */
  move(ticket: Ticket, standing: Standing): void {
    if (ticket.state !== 'waiting') return
    this.#turns.remove(ticket)
    this.#turns.add(ticket, standing)
  }

  /** Ends it: gives the slot back, or leaves the queue. The first call counts. True if it waited still. */
  finish(ticket: Ticket): boolean {
    const { state } = ticket
    ticket.state = 'over'
    if (state === 'running') this.release()
    if (state !== 'waiting') return false
    this.#turns.remove(ticket)
    this.#waiting -= 1
    return true
  }

  /** Refuses those who have waited too long. By itself it does so in time. */
  readonly expire = (): void => {
    const now = this.#options.clock.elapsed()
    try {
      for (;;) {
        const { oldest } = this.#turns
        if (oldest === undefined || now - oldest.since < this.#options.maxWaitMs) return
        this.#refuse(oldest, now)
      }
    } finally {
      this.#watch()
    }
  }

  #refuse(ticket: Ticket, now: number): void {
    this.finish(ticket)
    ticket.fate.refuse(now - ticket.since)
  }

  /** Hands free slots to those whose turn it is. A start may end at once: then the loop goes on. */
  #hand(): void {
    if (this.#isHanding) return
    this.#isHanding = true
    const failures: unknown[] = []
    while (this.#running < this.#options.concurrency) {
      const now = this.#options.clock.elapsed()
      const ticket = this.#turns.next(now)
      if (ticket === undefined) break
      this.#waiting -= 1
      this.#running += 1
      ticket.state = 'running'
      try {
        ticket.fate.start(now - ticket.since)
      } catch (error) {
        failures.push(error)
      }
    }
    this.#isHanding = false
    if (failures.length > 0) throw failures[0]
  }

  /** One timer, for the first who will have waited too long. */
  #watch(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#waiting === 0) return
    const inMs = this.#options.maxWaitMs - this.delayMs
    this.#timer = setTimeout(this.expire, Math.max(1, Math.ceil(inMs))).unref()
  }
}
