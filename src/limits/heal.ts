import type { CounterState } from '../store/counter-store.js'
import type { Store } from '../store/store.js'
import { minus, type Amount } from './amount.js'
import { sumsIn } from './tally.js'
import type { Window } from './plan.js'
import type { Calendar, CalendarWindow } from './windows.js'

export type HealDoor = Pick<Store, 'counters' | 'sums' | 'state'>

/** What a counter said too little or too much of a window: the log's sum less its own. */
export interface Difference {
  readonly key: string
  readonly counted: Amount
  readonly logged: Amount
}

/** What became of a look at a counter. */
export type Healed =
  /** It was used a moment ago, or something runs: what it says and what is logged may differ. */
  | { outcome: 'busy' }
  | { outcome: 'right' }
  | { outcome: 'differs' | 'healed'; differences: readonly Difference[] }

export interface HealOptions {
  readonly calendar: Calendar
  readonly now: number
  /** False: only looks. */
  readonly heals: boolean
  /** Windows that are looked at even if nobody counts in them so far. Default: none. */
  readonly limited?: readonly Window[]
  /** What was recorded later is not looked at: counters may not have been told. Default: all is. */
  readonly recordedUntil?: Date
}

/** A counter as it was read, or that there is none. */
export type Counter = Partial<CounterState> & { readonly subject: string }

/** A counter at rest this long has been told everything, ms. */
const quietMs = 60_000
/** One that says more than the log has may wait for events that are on their way still, ms. */
const settledMs = 3_600_000
/** How long the log may be read for one counter, ms. */
const readMs = 30_000
/** The same while an admin waits, ms. */
const waitedReadMs = 4_000
/** How often a counter is looked at that is told something all the time. */
const maxTries = 5
const kinds = ['hour', 'day', 'month', 'lifetime'] as const
/** The last instant there is, epoch ms. */
const lastInstant = 8.64e15

/**
 * Holds a counter against the log, in its current hour, day and month, and over its lifetime while the
 * log is kept for good; puts it right. Only while it is at rest: both are told of an operation within
 * moments, but not at once. Too much is only taken away after an hour at rest: a backlog of events may be
 * on its way to the log.
 */
export async function healCounter(
  { counters, sums, state }: HealDoor,
  counter: Counter,
  { calendar, now, heals, limited = [], recordedUntil }: HealOptions,
): Promise<Healed> {
  const { parts = [], updated_at } = counter
  const restMs = updated_at === undefined ? 0 : now - updated_at.getTime()
  const isAtRest = updated_at === undefined || restMs >= quietMs
  if (!isAtRest || isHolding(parts, now)) return { outcome: 'busy' }
  const counted = kinds
    .map((kind) => calendar.at(now, kind))
    .filter(({ key, window }) => limited.includes(window) || parts.some(({ k }) => k === key))
  const windows = await loggedWholly(counted, state)
  if (windows.length === 0) return { outcome: 'right' }
  const spans = windows.map(spanOf)
  const logged = await sums.of(ownerOf(counter.subject), spans, readMs, recordedUntil)
  // Once more, after the log was read: nothing goes from it before there is a horizon.
  const known = await loggedWholly(windows, state)
  const all = windows.flatMap((window, index) =>
    known.includes(window) ? differenceOf(parts, window.key, logged[index], now) : [],
  )
  const differences = all.filter((one) => restMs >= settledMs || !isTooMuch(one))
  if (differences.length === 0) return { outcome: all.length === 0 ? 'right' : 'busy' }
  if (!heals) return { outcome: 'differs', differences }
  const amounts = differences.map(({ key, counted, logged }) => ({
    key,
    amount: minus(logged, counted),
  }))
  const isHealed = await counters.add(counter, amounts)
  return isHealed ? { outcome: 'healed', differences } : { outcome: 'busy' }
}

/**
 * What the log has of windows in which a counter has not counted, or no more: its day and month, and
 * what else the plan limits.
 */
export async function countFromLog(
  { counters, sums, state }: HealDoor,
  subject: string,
  calendar: Calendar,
  { now, limited = [] }: { now: number; limited?: readonly Window[] | undefined },
): Promise<void> {
  const counted = kinds
    .filter((kind) => kind === 'day' || kind === 'month' || limited.includes(kind))
    .map((kind) => calendar.at(now, kind))
  const windows = await loggedWholly(counted, state)
  let logged: Amount[] | undefined
  for (let tries = 1; tries <= maxTries; tries++) {
    const [counter] = await counters.states([subject])
    const due = windows.filter(({ key }) => !isCounted(counter, key, now))
    if (due.length === 0) return
    logged ??= await sums.of(ownerOf(subject), windows.map(spanOf), waitedReadMs)
    const amounts = windows.flatMap((window, index) => {
      const amount = logged?.[index]
      if (amount === undefined || !due.includes(window)) return []
      return [{ key: window.key, amount: missingOf(counter, window.key, amount, now) }]
    })
    // Else it was told something meanwhile.
    if (await counters.add(counter ?? { subject }, amounts)) return
  }
}

/** Whether somebody counts in a window: a budget that has gone leaves a counter that nobody tells anything. */
function isCounted(counter: CounterState | undefined, key: string, now: number): boolean {
  if (counter?.parts.some(({ k }) => k === key) !== true) return false
  return now - counter.updated_at.getTime() < quietMs || isHolding(counter.parts, now)
}

/** What the log has more of. */
function missingOf(
  counter: CounterState | undefined,
  key: string,
  logged: Amount,
  now: number,
): Amount {
  const { requests, tokens, cost } = minus(logged, sumsIn(counter?.parts ?? [], key, now).used)
  return {
    requests: Math.max(0, requests),
    tokens: Math.max(0, tokens),
    cost: Math.max(0, cost),
  }
}

function isHolding(parts: CounterState['parts'], now: number): boolean {
  return parts.some(({ e, hr, ht, hc }) => e > now && (hr !== 0 || ht !== 0 || hc !== 0))
}

function differenceOf(
  parts: CounterState['parts'],
  key: string,
  logged: Amount | undefined,
  now: number,
): Difference[] {
  const { used: counted } = sumsIn(parts, key, now)
  if (logged === undefined) return []
  const { requests, tokens, cost } = minus(logged, counted)
  return requests === 0 && tokens === 0 && cost === 0 ? [] : [{ key, counted, logged }]
}

function isTooMuch({ counted, logged }: Difference): boolean {
  const { requests, tokens, cost } = minus(logged, counted)
  return requests < 0 || tokens < 0 || cost < 0
}

/** Those of which the log has everything. */
async function loggedWholly(
  windows: readonly CalendarWindow[],
  state: HealDoor['state'],
): Promise<readonly CalendarWindow[]> {
  const isLifetime = ({ window }: CalendarWindow) => window === 'lifetime'
  if (!windows.some(isLifetime) || (await state.keepsAll())) return windows
  return windows.filter((one) => !isLifetime(one))
}

function spanOf({ from, resetsAt }: CalendarWindow) {
  return { from: new Date(Math.max(from, 0)), to: new Date(Math.min(resetsAt, lastInstant)) }
}

/** Whose operations a counter counts. */
function ownerOf(subject: string) {
  if (subject.startsWith('user:')) return { user_id: subject.slice(5) }
  if (subject.startsWith('org:')) return { org_id: subject.slice(4) }
  return {}
}
