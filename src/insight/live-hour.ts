import type { Clock } from '../clock.js'
import { ClockSteps } from '../rollup/clock-steps.js'
import { sliceMs, type LiveStore, type LiveSums } from '../store/live-store.js'
import { floorTo, hourMs, minuteMs, type Span } from '../time.js'
import { LiveParts, slicesOf } from './live-parts.js'
import { LiveTraces } from './live-traces.js'

/** The store as the last hour sees it. */
export interface LiveDoor {
  readonly live: Pick<LiveStore, 'parts' | 'traces'>
  readonly db: { serverNow(): Promise<Date> }
}

/** Read at once at most, so that each query is done within its deadline. */
const readAtOnceMs = 10 * minuteMs

/** Whole minutes up to now: the current one and the 59 before it. */
export interface Hour {
  /** When the first minute begins, ms. */
  readonly first: number
  /** Of minutes and of parts of minutes. */
  readonly rows: readonly LiveSums[]
  readonly users: number
}

/**
 * The last hour of the log. What is known of ten seconds is kept until something is recorded in them: to
 * look again costs what is new, not what has happened in an hour.
 */
export class LiveHour {
  readonly #door: LiveDoor
  readonly #clock: Clock
  readonly #steps: ClockSteps
  readonly #traces: LiveTraces
  readonly #parts = new LiveParts()
  /** Of when what is known is, by the database's clock. */
  #asOf: Date | undefined
  #looking: Promise<Hour> | undefined
  #next: Promise<Hour> | undefined

  constructor(door: LiveDoor, clock: Clock) {
    this.#door = door
    this.#clock = clock
    this.#steps = new ClockSteps(() => clock.elapsed())
    this.#traces = new LiveTraces(door.live)
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
    const lively = await this.#forgetStale({ from: new Date(first), to: new Date(first + hourMs) })
    const [slices, minutes] = this.#unknown(first, lively)
    const reads = [
      ...runsOf(slices, sliceMs).map((span) => this.#read(span, sliceMs)),
      ...runsOf(minutes, minuteMs).map((span) => this.#read(span, minuteMs)),
    ]
    for (const one of await Promise.allSettled(reads))
      if (one.status === 'rejected') throw one.reason
    return { first, rows: this.#parts.rows, users: this.#parts.users }
  }

  /** Keeps what is of the hour, and in which nothing was recorded since. Minutes in which something was. */
  async #forgetStale(hour: Span): Promise<ReadonlySet<number>> {
    const now = await this.#door.db.serverNow()
    // After a long silence, or when the clock was put back, all is read.
    const isNear = this.#asOf && +now - +this.#asOf < hourMs / 4 && !this.#steps.hasGoneBack(now)
    if (!isNear) {
      // Of no use any more, also where this look fails.
      this.#asOf = undefined
      this.#traces.reset()
    }
    const { lately, changed } = await this.#traces.look(this.#asOf ?? now, now, hour)
    const stale = [...changed]
    this.#parts.forget((start, ms) => {
      const isOfHour = start >= hour.from.getTime() && start < hour.to.getTime()
      return !isNear || !isOfHour || stale.some((at) => at >= start && at < start + ms)
    })
    this.#asOf = now
    this.#steps.note(now)
    return new Set([...lately].map((at) => floorTo(at, minuteMs)))
  }

  /** What is not known: of lively minutes slices, of others the whole. */
  #unknown(first: number, lively: ReadonlySet<number>): [slices: number[], minutes: number[]] {
    const slices: number[] = []
    const minutes: number[] = []
    for (let minute = first; minute < first + hourMs; minute += minuteMs) {
      if (!lively.has(minute)) this.#parts.merge(minute)
      if (this.#parts.has(minute, minuteMs)) continue
      if (lively.has(minute))
        slices.push(...slicesOf(minute).filter((start) => !this.#parts.has(start, sliceMs)))
      else {
        this.#parts.forget((start) => start >= minute && start < minute + minuteMs)
        minutes.push(minute)
      }
    }
    return [slices, minutes]
  }

  async #read(span: Span, ms: number): Promise<void> {
    const rows = await this.#door.live.parts(span, ms)
    for (let start = span.from.getTime(); start < span.to.getTime(); start += ms)
      this.#parts.keep(
        start,
        ms,
        rows.filter((row) => row.start.getTime() === start),
      )
  }
}

/** Parts that follow each other, read together. */
function runsOf(starts: readonly number[], ms: number): Span[] {
  const spans: { from: Date; to: Date }[] = []
  for (const start of starts) {
    const last = spans.at(-1)
    const isNext = last?.to.getTime() === start && start - last.from.getTime() < readAtOnceMs
    if (isNext) last.to = new Date(start + ms)
    else spans.push({ from: new Date(start), to: new Date(start + ms) })
  }
  return spans
}
