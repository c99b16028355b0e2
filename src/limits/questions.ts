import { flowKey } from '../store/counter-flow.js'
import type { CountedLimit } from '../store/counter-move.js'
import type { Question } from './question.js'
import type { Limit, Plan, Window } from './plan.js'
import { flowOf, isSmoothed } from './smoothing.js'
import { concurrencyLimit, isKnownBefore, nowKey } from './standing.js'
import { Calendar, type CalendarWindow } from './windows.js'

/** What a plan asks of a counter, in the windows of an instant. */
export interface Prepared extends Question {
  readonly windows: readonly CalendarWindow[]
  /** Keys of those. */
  readonly windowKeys: readonly string[]
}

/** Windows in which everything counts, limited or not. */
const always: readonly Window[] = ['day', 'month']
/** Windows that another plan of the same user may have limited, or will. */
const all: readonly Window[] = ['minute', 'hour', 'day', 'month', 'lifetime']

/** Plans as questions; each is made once for as long as its windows last. */
export class Questions {
  readonly #timezone: string
  readonly #calendars = new Map<string, Calendar>()
  readonly #prepared = new WeakMap<Plan, Prepared>()

  constructor(timezone: string) {
    this.#timezone = timezone
  }

  /** The same object as long as the windows are the same. */
  of(plan: Plan, now: number): Prepared {
    const known = this.#prepared.get(plan)
    if (known !== undefined && now < known.until && now >= known.since) return known
    const prepared = prepare(plan, this.calendarOf(plan), now)
    this.#prepared.set(plan, prepared)
    return prepared
  }

  /** The calendar of a plan's zone. */
  calendarOf({ timezone = this.#timezone }: Pick<Plan, 'timezone'>): Calendar {
    let calendar = this.#calendars.get(timezone)
    if (calendar === undefined) this.#calendars.set(timezone, (calendar = new Calendar(timezone)))
    return calendar
  }
}

function prepare(plan: Plan, calendar: Calendar, now: number): Prepared {
  const names = new Set([...always, ...plan.limits.map(({ window }) => window)])
  const windows = [...names].map((window) => calendar.at(now, window))
  const flows = plan.limits.filter(isSmoothed).map(flowOf)
  if (flows.length > 0) windows.push(flowWindow)
  const limits = plan.limits
    .filter(({ enforcement }) => enforcement !== 'soft')
    .map((limit) => counted(limit, calendar.at(now, limit.window).key))
  if (plan.concurrency !== null) limits.push(counted(concurrencyLimit(plan.concurrency), nowKey))
  const windowKeys = windows.map(({ key }) => key)
  const calendarWindows = all.map((window) => calendar.at(now, window))
  return {
    limits,
    flows,
    windows,
    windowKeys,
    keys: [...windowKeys, ...(plan.concurrency === null ? [] : [nowKey])],
    kept: [flowKey, nowKey, ...calendarWindows.flatMap((one) => [one.key, ...one.neighbours])],
    since: Math.max(...calendarWindows.map(({ from }) => from)),
    until: Math.min(...calendarWindows.map(({ resetsAt }) => resetsAt)),
  }
}

function counted(limit: Limit, key: string): CountedLimit {
  const counts = isKnownBefore(limit) ? 'held' : 'settled'
  return { key, metric: limit.metric, limit: limit.limit, counts }
}

/** Where what runs off is counted: it has no end. */
const flowWindow: CalendarWindow = {
  key: flowKey,
  window: 'lifetime',
  from: -Infinity,
  resetsAt: Infinity,
  neighbours: [],
}
