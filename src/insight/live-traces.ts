import type { LiveStore, Trace } from '../store/live-store.js'
import { sliceMs } from '../store/live-store.js'
import { overlapMs } from '../rollup/freshness.js'
import { floorTo, type Span } from '../time.js'

/** What was recorded lately, and what of it an earlier look has not seen. */
export interface Seen {
  /** Starts of the slices in which anything was recorded lately. */
  readonly lately: ReadonlySet<number>
  /** Those of them in which it is not what it was before. */
  readonly changed: ReadonlySet<number>
}

/**
 * Which slices of time have changed since the last look. An event comes into view a little after it was
 * stamped, so a look sees again what was recorded in the overlap before the last one. How many there
 * are in each pair of slices, and their stamps added up, tell whether it is the same: events are added,
 * and stamped anew with a later time, so nothing that happens to them leaves all of the pairs as they were.
 */
export class LiveTraces {
  readonly #live: Pick<LiveStore, 'traces'>
  #known = new Map<string, Trace>()

  constructor(live: Pick<LiveStore, 'traces'>) {
    this.#live = live
  }

  /** `asOf`: when the last look began, by the database's clock; now, when it is of no use. */
  async look(asOf: Date, hour: Span): Promise<Seen> {
    const since = floorTo(asOf.getTime() - overlapMs, sliceMs)
    const traces = await this.#live.traces(new Date(since), hour)
    const known = new Map(traces.map((trace) => [keyOf(trace), trace]))
    const changed = new Set<number>()
    for (const [key, trace] of known)
      if (!isSame(trace, this.#known.get(key))) changed.add(trace.happened.getTime())
    for (const [key, { recorded, happened }] of this.#known)
      if (recorded.getTime() >= since && !known.has(key)) changed.add(happened.getTime())
    this.#known = known
    return { lately: new Set(traces.map(({ happened }) => happened.getTime())), changed }
  }
}

const keyOf = ({ happened, recorded }: Trace) => `${happened.getTime()} ${recorded.getTime()}`

const isSame = (one: Trace, other: Trace | undefined) =>
  one.count === other?.count && one.stamps === other.stamps
