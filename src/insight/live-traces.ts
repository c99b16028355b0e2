import { overlapMs } from '../rollup/freshness.js'
import { sliceMs, type LiveStore, type Trace } from '../store/live-store.js'
import { floorTo, type Span } from '../time.js'

/** What was recorded lately, and what of it an earlier look has not seen. */
export interface Seen {
  /** Starts of the slices in which anything was recorded lately. */
  readonly lately: ReadonlySet<number>
  /** Those of them in which it is not what it was before. */
  readonly changed: ReadonlySet<number>
}

/** How long after they were stamped events come into view at once; of others, it may take as long again. */
const soonMs = 3 * sliceMs

/**
 * Which slices of time have changed since the last look. An event comes into view a little after it was
 * stamped, so a look sees again what was recorded shortly before the last one, and now and then what was
 * recorded in all of the overlap before it. How many there are in each pair of slices, and their stamps
 * added up, tell whether it is the same: events are added, and stamped anew with a later time, so nothing
 * that happens to them leaves all of the pairs as they were.
 */
export class LiveTraces {
  readonly #live: Pick<LiveStore, 'traces'>
  #known = new Map<string, Trace>()
  /** When all of the overlap was looked at, ms. */
  #lookedBackAt: number | undefined

  constructor(live: Pick<LiveStore, 'traces'>) {
    this.#live = live
  }

  /** To be called where the last look is of no use. */
  reset(): void {
    this.#known.clear()
    this.#lookedBackAt = undefined
  }

  /** `asOf`: when the last look began, by the database's clock; now, when there was none. */
  async look(asOf: Date, now: Date, hour: Span): Promise<Seen> {
    const at = now.getTime()
    const lookedBackAt = this.#lookedBackAt ?? at
    const isDue =
      this.#lookedBackAt === undefined || at < lookedBackAt || at - lookedBackAt >= soonMs
    const since = floorTo(isDue ? lookedBackAt - overlapMs : asOf.getTime() - soonMs, sliceMs)
    const traces = await this.#live.traces(new Date(since), hour)
    this.#lookedBackAt = isDue ? at : lookedBackAt
    return this.#compare(traces, since, this.#lookedBackAt - overlapMs)
  }

  #compare(traces: readonly Trace[], since: number, keepSince: number): Seen {
    const known = new Map(traces.map((trace) => [keyOf(trace), trace]))
    const changed = new Set<number>()
    for (const [key, trace] of known)
      if (!isSame(trace, this.#known.get(key))) changed.add(trace.happened.getTime())
    for (const [key, trace] of this.#known) {
      const recorded = trace.recorded.getTime()
      if (recorded >= since && !known.has(key)) changed.add(trace.happened.getTime())
      if (recorded < since && recorded >= floorTo(keepSince, sliceMs)) known.set(key, trace)
    }
    this.#known = known
    return { lately: new Set([...known.values()].map(({ happened }) => +happened)), changed }
  }
}

const keyOf = ({ happened, recorded }: Trace) => `${happened.getTime()} ${recorded.getTime()}`

const isSame = (one: Trace, other: Trace | undefined) =>
  one.count === other?.count && one.stamps === other.stamps
