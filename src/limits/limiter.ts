import type { Clock } from '../clock.js'
import type { CountedLimit, CounterPart } from '../store/counter-move.js'
import { nothing, type Amount } from './amount.js'
import { Breaker } from './breaker.js'
import { Desks } from './desks.js'
import type { CounterDoor, Held, Question } from './desk.js'
import type { Limit, Plan, Window } from './plan.js'
import { standing } from './tally.js'
import { Calendar, type CalendarWindow } from './windows.js'

/** A limit, and how far it is used. */
export interface Standing {
  readonly limit: Limit
  readonly used: number
  readonly held: number
  /** Epoch ms; Infinity for a lifetime. */
  readonly resetsAt: number
}

/** What is held for an operation until its usage is known. */
export interface Reservation extends Held {
  readonly subject: string
}

/** What one counter says. */
export type Answered =
  | { outcome: 'admitted'; reservation: Reservation; standings: readonly Standing[] }
  /** The store was not there, and the plan lets through. */
  | { outcome: 'degraded'; reservation: Reservation }
  | Refused
  /** The store was not there, and the plan refuses. */
  | { outcome: 'unavailable' }

interface Refused {
  outcome: 'refused'
  violated: readonly Standing[]
  standings: readonly Standing[]
}

/** What all that an operation must fit say together. */
export type Admission =
  | { outcome: 'admitted'; standings: readonly Standing[] }
  | { outcome: 'degraded' }
  | Refused
  | { outcome: 'unavailable' }
  /** The account may do nothing at the moment. */
  | { outcome: 'barred'; reason: string }
  /** Nothing has to be counted. */
  | { outcome: 'unlimited' }

/** The name under which too many operations at once are refused. */
export const concurrencyName = 'concurrency'
/** Where only what runs now is counted. */
const nowKey = 'now'
const always: readonly Window[] = ['day', 'month']

interface Prepared extends Question {
  readonly validFrom: number
  readonly windows: readonly CalendarWindow[]
  readonly validUntil: number
}

/** Holds operations to plans. */
export class Limiter {
  readonly #door: CounterDoor
  readonly #clock: Clock
  readonly #calendar: Calendar
  readonly #desks: Desks
  readonly #breaker: Breaker
  readonly #prepared = new WeakMap<Plan, Prepared>()

  constructor(door: CounterDoor, clock: Clock, timezone: string) {
    this.#door = door
    this.#clock = clock
    this.#calendar = new Calendar(timezone)
    this.#desks = new Desks(door, clock)
    this.#breaker = new Breaker(clock)
  }

  /** Asks for an operation. Never rejects. */
  async admit(subject: string, plan: Plan, amount: Amount): Promise<Answered> {
    const question = this.#questionOf(plan)
    const { keys, before } = question
    const windows = question.windows.map(({ key }) => key)
    const away = (): Answered =>
      plan.onStoreError === 'closed'
        ? { outcome: 'unavailable' }
        : { outcome: 'degraded', reservation: { subject, windows, keys, before, held: undefined } }
    if (!this.#breaker.mayTry()) return away()
    try {
      const { admitted, parts } = await this.#desks.of(subject).ask(question, amount)
      this.#breaker.succeeded()
      const standings = this.#standings(plan, parts)
      if (admitted) {
        const reservation = { subject, windows, keys, before, held: amount }
        return { outcome: 'admitted', reservation, standings }
      }
      return { outcome: 'refused', violated: violatedOf(plan, standings, amount), standings }
    } catch {
      this.#breaker.failed()
      return away()
    }
  }

  /** Takes the store to be dead for a while: somebody has waited for it in vain. */
  distrust(): void {
    this.#breaker.failed()
  }

  /** Puts what an operation used in the place of what was held for it. Once per reservation. */
  settle(reservation: Reservation, used: Amount): void {
    this.#desks.settle(reservation.subject, reservation, used)
  }

  /** Counts what was used without asking, in the current windows that its start lies in. */
  charge(subject: string, plan: Plan, used: Amount, startedAt: number): void {
    if (plan.limits.length === 0 && plan.concurrency === null) return
    const { windows, keys, before } = this.#questionOf(plan)
    const touched = windows.filter(({ from }) => startedAt >= from).map(({ key }) => key)
    this.#desks.settle(subject, { windows: touched, keys, before, held: undefined }, used)
  }

  /** How far a plan's limits are used, by all instances. Rejects with `store_unavailable`. */
  async look(subject: string, plan: Plan): Promise<readonly Standing[]> {
    if (plan.limits.length === 0 && plan.concurrency === null) return []
    await this.#desks.say(subject)
    return this.#standings(plan, await this.#door.find(subject))
  }

  /** Resolves when all that is settled has been said, or cannot be. */
  flush(): Promise<void> {
    return this.#desks.flush()
  }

  stop(): void {
    this.#desks.stop()
  }

  #standings(plan: Plan, parts: readonly CounterPart[]): Standing[] {
    const now = this.#clock.now()
    const standings = plan.limits.map((limit) => {
      const { key, resetsAt } = this.#calendar.at(now, limit.window)
      const { used, held } = standing(parts, key, now)
      return { limit, used: used[limit.metric], held: held[limit.metric], resetsAt }
    })
    if (plan.concurrency === null) return standings
    const { held } = standing(parts, nowKey, now)
    const limit = concurrencyLimit(plan.concurrency)
    return [...standings, { limit, used: 0, held: held.requests, resetsAt: now + 1_000 }]
  }

  /** The same object as long as the windows are the same. */
  #questionOf(plan: Plan): Prepared {
    const now = this.#clock.now()
    const known = this.#prepared.get(plan)
    if (known !== undefined && now < known.validUntil && now >= known.validFrom) return known
    const names = new Set([...always, ...plan.limits.map(({ window }) => window)])
    const windows = [...names].map((window) => this.#calendar.at(now, window))
    const limits = plan.limits
      .filter(({ enforcement }) => enforcement !== 'soft')
      .map((limit) => counted(limit, this.#calendar.at(now, limit.window).key))
    if (plan.concurrency !== null) limits.push(counted(concurrencyLimit(plan.concurrency), nowKey))
    const prepared = {
      validFrom: Math.max(...windows.map(({ from }) => from)),
      limits,
      windows,
      keys: [...windows.map(({ key }) => key), ...(plan.concurrency === null ? [] : [nowKey])],
      before: windows.flatMap(({ before }) => (before === undefined ? [] : [before])),
      validUntil: Math.min(...windows.map(({ resetsAt }) => resetsAt)),
    }
    this.#prepared.set(plan, prepared)
    return prepared
  }
}

function concurrencyLimit(limit: number): Limit {
  return {
    name: concurrencyName,
    metric: 'requests',
    window: 'minute',
    limit,
    enforcement: 'hard',
    reservation: 'strict',
  }
}

function counted({ metric, limit, reservation }: Limit, key: string): CountedLimit {
  const isKnown = metric === 'requests' || reservation === 'strict'
  return { key, metric, limit, counts: isKnown ? 'held' : 'settled' }
}

/** The limits for which an operation was refused. */
function violatedOf(plan: Plan, standings: readonly Standing[], amount: Amount): Standing[] {
  return standings.filter(({ limit, used, held }) => {
    if (limit.enforcement === 'soft') return false
    const isKnown = limit.metric === 'requests' || limit.reservation === 'strict'
    return isKnown ? used + held + amount[limit.metric] > limit.limit : used >= limit.limit
  })
}

/** What an operation is counted as when it is over. */
export function amountOf(event: {
  success: boolean
  tokens_used: number
  cost_nano_usd: number | null
}): Amount {
  const isNothing = !event.success && event.tokens_used === 0
  if (isNothing) return nothing
  return { requests: 1, tokens: event.tokens_used, cost: event.cost_nano_usd ?? 0 }
}
