import type { Clock } from '../clock.js'
import { ClockSteps } from '../rollup/clock-steps.js'
import { overlapMs } from '../rollup/freshness.js'
import type { LiveStore, MinuteRow, MinuteSums } from '../store/live-store.js'
import type { LogRows } from '../store/log-rows.js'
import { floorTo, hourMs, minuteMs, type Span } from '../time.js'

/** The store as the last hour sees it. */
export interface LiveDoor {
  readonly live: LiveStore
  readonly rows: Pick<LogRows, 'touchedMinutes'>
  readonly db: { serverNow(): Promise<Date> }
}

/** Read at once at most, so that each query is done within its deadline. */
const minutesAtOnce = 10

/** Somebody who did something, and in how many of the minutes that are known. */
interface User {
  readonly id: string
  minutes: number
}

interface Minute {
  readonly rows: readonly MinuteSums[]
  readonly users: readonly User[]
}

/** Whole minutes up to now: the current one and the 59 before it. */
export interface Hour {
  /** When the first minute begins, ms. */
  readonly first: number
  readonly rows: readonly MinuteSums[]
  readonly users: number
}

/**
 * The last hour of the log. What is known of a minute is kept until something is recorded in it: to look
 * again costs what is new, not what has happened in an hour.
 */
export class LiveHour {
  readonly #door: LiveDoor
  readonly #clock: Clock
  readonly #steps: ClockSteps
  readonly #minutes = new Map<number, Minute>()
  readonly #users = new Map<string, User>()
  /** Of when what is known is, by the database's clock. */
  #asOf: Date | undefined
  #looking: Promise<Hour> | undefined
  #next: Promise<Hour> | undefined

  constructor(door: LiveDoor, clock: Clock) {
    this.#door = door
    this.#clock = clock
    this.#steps = new ClockSteps(() => clock.elapsed())
  }

  /** Looks at what is recorded now: whoever asks meanwhile shares the next look. */
  look(): Promise<Hour> {
    if (this.#next !== undefined) return this.#next
    if (this.#looking === undefined) return this.#start()
    const begin = () => {
      this.#next = undefined
      return this.#start()
    }
    return (this.#next = this.#looking.then(begin, begin))
  }

  #start(): Promise<Hour> {
    const looking = this.#see().finally(() => (this.#looking = undefined))
    this.#looking = looking
    return looking
  }

  async #see(): Promise<Hour> {
    const first = floorTo(this.#clock.now(), minuteMs) - hourMs + minuteMs
    await this.#forgetStale({ from: new Date(first), to: new Date(first + hourMs) })
    const read = await Promise.allSettled(this.#unknown(first).map((span) => this.#read(span)))
    for (const one of read) if (one.status === 'rejected') throw one.reason
    const rows = [...this.#minutes.values()].flatMap((minute) => minute.rows)
    return { first, rows, users: this.#users.size }
  }

  /** Keeps what is of the hour, and in which nothing was recorded since. */
  async #forgetStale(hour: Span): Promise<void> {
    const now = await this.#door.db.serverNow()
    const since = this.#asOf && new Date(this.#asOf.getTime() - overlapMs)
    // After a long silence, or when the clock was put back, all is read.
    const isNear = since && +now - +since < hourMs / 4 && !this.#steps.hasGoneBack(now)
    const touched = isNear ? await this.#door.rows.touchedMinutes(since, hour) : []
    const stale = new Set(touched.map((minute) => minute.getTime()))
    for (const [start, minute] of this.#minutes) {
      const isOfHour = start >= hour.from.getTime() && start < hour.to.getTime()
      if (isNear && isOfHour && !stale.has(start)) continue
      this.#minutes.delete(start)
      for (const user of minute.users) {
        user.minutes -= 1
        if (user.minutes === 0) this.#users.delete(user.id)
      }
    }
    this.#asOf = now
    this.#steps.note(now)
  }

  /** Runs of minutes of which nothing is known. */
  #unknown(first: number): Span[] {
    const spans: { from: Date; to: Date }[] = []
    for (let from = first; from < first + hourMs; from += minuteMs) {
      if (this.#minutes.has(from)) continue
      const last = spans.at(-1)
      const to = new Date(from + minuteMs)
      const length = last?.to.getTime() === from ? from - last.from.getTime() : Infinity
      if (last !== undefined && length < minutesAtOnce * minuteMs) last.to = to
      else spans.push({ from: new Date(from), to })
    }
    return spans
  }

  async #read(span: Span): Promise<void> {
    const rows = await this.#door.live.minutes(span)
    for (let start = span.from.getTime(); start < span.to.getTime(); start += minuteMs) {
      const ofMinute = rows.filter((row) => row.minute.getTime() === start)
      this.#keep(start, ofMinute)
    }
  }

  #keep(start: number, rows: readonly MinuteRow[]): void {
    const ids = new Set(rows.flatMap((row) => row.users))
    const users: User[] = []
    for (const id of ids) {
      const user = this.#users.get(id) ?? { id, minutes: 0 }
      this.#users.set(id, user)
      user.minutes += 1
      users.push(user)
    }
    this.#minutes.set(start, { rows: rows.map(({ users: _, ...sums }) => sums), users })
  }
}
