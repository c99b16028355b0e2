import { ceilTo, dayMs, floorTo, intervalMs, type Span } from '../time.js'

/** From where each part of a span is read. The parts do not overlap and cover the span. */
export interface ReadPlan {
  /** Whole UTC days, from `daily_stats`. */
  days: Span[]
  /** Whole 15-minute windows, from `usage_intervals`. */
  intervals: Span[]
  /** Everything else, from the log. */
  log: Span[]
}

/** What must be known to plan a read. */
export interface Freshness {
  /** Start of the first window that is always read from the log, epoch ms. */
  openFrom: number
  /** Starts of earlier windows that late events have touched since they were rolled up, epoch ms. */
  lateWindows: readonly number[]
  /** Before this the rollups are all there is, epoch ms. Default: there is a log of everything. */
  horizon?: number
}

type Source = keyof ReadPlan

/**
 * Cuts a span into days, windows and log: the largest rollup that fits, lies in closed time and
 * has no `boundaries` (such as local midnights, epoch ms) strictly inside. Before the horizon there are
 * windows only: each belongs as a whole to where it begins, so that adjoining spans still add up.
 */
export function planRead(
  { from, to }: Span,
  { openFrom, lateWindows, horizon = -Infinity }: Freshness,
  boundaries: readonly number[] = [],
): ReadPlan {
  const plan: ReadPlan = { days: [], intervals: [], log: [] }
  const end = to.getTime()
  const cutDays = new Set(
    boundaries.filter((at) => at % dayMs !== 0).map((at) => floorTo(at, dayMs)),
  )
  for (const start of lateWindows) cutDays.add(floorTo(start, dayMs))
  const late = new Set(lateWindows)
  let at = from.getTime()
  while (at < end) {
    const { source, until } = step(at, end, { openFrom, horizon, cutDays, late })
    if (source !== undefined) append(plan[source], at, until)
    at = until
  }
  return plan
}

interface Known {
  readonly openFrom: number
  readonly horizon: number
  readonly cutDays: ReadonlySet<number>
  readonly late: ReadonlySet<number>
}

function step(
  at: number,
  end: number,
  { openFrom, horizon, cutDays, late }: Known,
): { source: Source | undefined; until: number } {
  if (at >= openFrom) return { source: 'log', until: end }
  const day = at + dayMs
  if (at % dayMs === 0 && day <= end && day <= openFrom && !cutDays.has(at)) {
    return { source: 'days', until: day }
  }
  if (at < horizon) {
    const until = Math.min(end, floorTo(at, intervalMs) + intervalMs)
    return { source: at % intervalMs === 0 ? 'intervals' : undefined, until }
  }
  const until = at + intervalMs
  if (at % intervalMs === 0 && until <= end && !late.has(at)) return { source: 'intervals', until }
  return { source: 'log', until: Math.min(end, ceilTo(at + 1, intervalMs)) }
}

/** Adds a part, joined to the one before where they meet. */
export function append(parts: Span[], from: number, to: number): void {
  const last = parts.at(-1)
  if (last?.to.getTime() === from) parts[parts.length - 1] = { from: last.from, to: new Date(to) }
  else parts.push({ from: new Date(from), to: new Date(to) })
}
