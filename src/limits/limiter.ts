import type { Clock } from '../clock.js'
import { flowKey } from '../store/counter-flow.js'
import type { CounterPart } from '../store/counter-move.js'
import { nothing, type Amount } from './amount.js'
import { Breaker } from '../breaker.js'
import { Desks, type CounterDoor } from './desks.js'
import { keptOf, type Held } from './question.js'
import type { Plan } from './plan.js'
import { minuteMs } from '../time.js'
import { Questions } from './questions.js'
import type { Calendar } from './windows.js'
import { standingsOf, violatedOf, type Standing } from './standing.js'

/** What is held for an operation until its usage is known. */
export interface Reservation extends Held, Level {}

/** One of those that an operation must fit: its user, their organisation, all together. */
export interface Level {
  /** The counter's name. */
  readonly subject: string
  readonly plan: Plan
}

/** What one counter says. */
export type Answered =
  | {
      outcome: 'admitted'
      reservation: Reservation
      standings: readonly Standing[]
      /** How long it is to wait before it begins, ms. */
      delayMs: number
    }
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

/** Holds operations to plans. */
export class Limiter {
  readonly #door: CounterDoor
  readonly #clock: Clock
  readonly #questions: Questions
  readonly #desks: Desks
  readonly #breaker: Breaker

  constructor(door: CounterDoor, clock: Clock, timezone: string) {
    this.#door = door
    this.#clock = clock
    this.#questions = new Questions(timezone)
    this.#desks = new Desks(door, clock)
    this.#breaker = new Breaker(clock)
  }

  /** Asks for an operation. Never rejects. */
  async admit(subject: string, plan: Plan, amount: Amount): Promise<Answered> {
    const askedAt = this.#clock.now()
    const question = this.#questions.of(plan, askedAt)
    const reserved = (held: Amount | undefined): Reservation => {
      return { subject, plan, ...keptOf(question), windows: question.windowKeys, held }
    }
    const away = (): Answered =>
      plan.onStoreError === 'closed'
        ? { outcome: 'unavailable' }
        : { outcome: 'degraded', reservation: reserved(undefined) }
    if (!this.#breaker.mayTry()) return away()
    try {
      const answer = await this.#desks.of(subject).ask(question, amount)
      this.#breaker.succeeded()
      const { admitted, parts, delayMs } = answer
      // In the windows that were asked about: they may be over by now.
      const standings = this.#standings(plan, parts, askedAt)
      if (admitted) {
        return { outcome: 'admitted', reservation: reserved(amount), standings, delayMs }
      }
      return { outcome: 'refused', violated: violatedOf(standings, amount), standings }
    } catch {
      this.#breaker.failed()
      return away()
    }
  }

  /** The windows of a zone; of the billing zone where none is given. */
  calendarOf(timezone: string | undefined): Calendar {
    return this.#questions.calendarOf({ timezone })
  }

  /** Takes the store to be dead for a while: somebody has waited for it in vain. */
  distrust(): void {
    this.#breaker.failed()
  }

  /** What an operation used is just being counted: near a limit, who asks next waits for it a little. */
  ended(reservation: Reservation): void {
    this.#desks.of(reservation.subject).ended(reservation)
  }

  /** Puts what an operation used in the place of what was held for it. Once per reservation. */
  settle(reservation: Reservation, used: Amount): void {
    this.#desks.settle(reservation.subject, reservation, used)
  }

  /** Counts what was used without asking, in the current windows that its start lies in. */
  charge(subject: string, plan: Plan, used: Amount, startedAt: number): void {
    if (limitsNothing(plan)) return
    const now = this.#clock.now()
    const question = this.#questions.of(plan, now)
    const isFlowing = startedAt > now - minuteMs
    const touched = question.windows
      .filter(({ key, from }) => (key === flowKey ? isFlowing : startedAt >= from))
      .map(({ key }) => key)
    const held = { ...keptOf(question), windows: touched, held: undefined }
    this.#desks.settle(subject, held, used)
  }

  /** Forgets what was counted of a subject here, and says nothing more of it. */
  forget(subject: string): void {
    this.#desks.forget(subject)
  }

  /** How far a plan's limits are used, by all instances. Rejects with `store_unavailable`. */
  async look(subject: string, plan: Plan): Promise<readonly Standing[]> {
    const [standings] = await this.lookAll([{ subject, plan }])
    return standings ?? []
  }

  /** The same for many, in one trip. */
  async lookAll(levels: readonly Level[]): Promise<(readonly Standing[])[]> {
    const subjects = levels.filter(({ plan }) => !limitsNothing(plan)).map(({ subject }) => subject)
    if (subjects.length === 0) return levels.map(() => [])
    await this.#desks.say(subjects)
    const counters = await this.#door.find(subjects)
    const now = this.#clock.now()
    return levels.map(({ subject, plan }) =>
      this.#standings(plan, counters.get(subject)?.parts ?? [], now),
    )
  }

  /** Resolves when all that is settled has been said, or cannot be. */
  flush(): Promise<void> {
    return this.#desks.flush()
  }

  /** Resolves when the store knows what was counted for a subject here, or cannot. */
  said(subject: string): Promise<void> {
    return this.#desks.say([subject])
  }

  stop(): void {
    this.#desks.stop()
  }

  #standings(plan: Plan, parts: readonly CounterPart[], now: number): Standing[] {
    return standingsOf(plan, parts, this.#questions.calendarOf(plan), now)
  }
}

function limitsNothing({ limits, concurrency }: Plan): boolean {
  return limits.length === 0 && concurrency === null
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
