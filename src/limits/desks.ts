import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers'
import type { Clock } from '../clock.js'
import type { Amount } from './amount.js'
import type { Counted } from '../store/counter-flow.js'
import type { Move, Moved } from '../store/counter-move.js'
import { Desk, leaseMs } from './desk.js'
import type { Held } from './question.js'
import { inTime } from '../in-time.js'
import { Trips } from '../trips.js'

/** The store as a desk sees it. */
export interface CounterDoor {
  move(moves: readonly Move[]): Promise<PromiseSettledResult<Moved>[]>
  say(moves: readonly Move[]): Promise<boolean[]>
  find(subjects: readonly string[]): Promise<Map<string, Counted>>
}

/** How soon others hear of what was settled, ms. */
const confirmMs = 100
/** The same near a limit, while other instances ask for the same subject, ms. */
const urgentMs = 5
/** Desks kept, each some 1.4 KB; beyond them idle ones are closed. */
const maxDesks = 20_000
/** Desks that ask in one trip at most. */
const maxAsked = 100
/** Desks whose news go in one trip at most. */
const maxMoves = 200

/** The desks of all subjects, and what keeps the store in the picture. */
export class Desks {
  readonly #door: CounterDoor
  readonly #trips: Trips<Move, Moved>
  readonly #clock: Clock
  readonly #desks = new Map<string, Desk>()
  readonly #dirty = new Set<Desk>()
  readonly #urgent = new Set<Desk>()
  readonly #forgotten = new WeakSet<Desk>()
  #soon: NodeJS.Timeout | undefined
  #verySoon: NodeJS.Timeout | undefined
  #isStopped = false
  readonly #lease: NodeJS.Timeout

  constructor(door: CounterDoor, clock: Clock) {
    this.#door = door
    const elapsed = () => clock.elapsed()
    this.#trips = new Trips((moves) => door.move(moves), { elapsed, maxQuestions: maxAsked })
    this.#clock = clock
    this.#lease = setInterval(() => void this.#keepAlive(), leaseMs / 3)
    this.#lease.unref()
  }

  of(subject: string): Desk {
    const known = this.#desks.get(subject)
    if (known !== undefined) return known
    const desk = new Desk(subject, this.#trips, this.#clock)
    this.#desks.set(subject, desk)
    return desk
  }

  settle(subject: string, held: Held, used: Amount): void {
    const desk = this.of(subject)
    desk.settle(held, used)
    this.#confirmSoon(desk)
  }

  #confirmSoon(desk: Desk): void {
    if (desk.isUrgent) {
      this.#urgent.add(desk)
      this.#verySoon ??= setTimeout(() => void this.#confirmUrgent(), urgentMs).unref()
      return
    }
    this.#dirty.add(desk)
    if (this.#soon !== undefined) return
    this.#soon = setTimeout(() => void this.flush(), confirmMs)
    this.#soon.unref()
  }

  async #confirmUrgent(): Promise<void> {
    this.#verySoon = undefined
    const urgent = [...this.#urgent]
    this.#urgent.clear()
    await this.#confirm(urgent)
  }

  /** Resolves when the store knows what was settled for subjects here, or cannot. */
  async say(subjects: readonly string[]): Promise<void> {
    const desks = subjects.flatMap((subject) => this.#desks.get(subject) ?? [])
    // What is on its way may have it, and a read would come before it.
    await Promise.all(desks.map((desk) => desk.moved()))
    await this.#confirm(desks.filter((desk) => desk.isDirty))
    await Promise.all(desks.map((desk) => desk.moved()))
  }

  /** What is on its way may still be said once; what comes is counted by another desk. */
  forget(subject: string): void {
    const desk = this.#desks.get(subject)
    if (desk === undefined) return
    this.#desks.delete(subject)
    this.#dirty.delete(desk)
    this.#urgent.delete(desk)
    this.#forgotten.add(desk)
  }

  async flush(): Promise<void> {
    clearTimeout(this.#soon)
    this.#soon = undefined
    const dirty = [...this.#dirty]
    this.#dirty.clear()
    await Promise.all([this.#confirm(dirty), this.#confirmUrgent()])
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#soon)
    clearTimeout(this.#verySoon)
    clearInterval(this.#lease)
  }

  /** Holds count as long as they are confirmed; what could not be said is said again. */
  async #keepAlive(): Promise<void> {
    const due = [...this.#desks.values()].filter((desk) => desk.holds || desk.isDirty)
    await this.#confirm(due)
    if (this.#desks.size <= maxDesks) return
    for (const [subject, desk] of this.#desks) if (desk.isIdle) this.#desks.delete(subject)
  }

  /** Many in one trip; what could not be said is said again. */
  async #confirm(desks: readonly Desk[]): Promise<void> {
    const due: { desk: Desk; move: Move }[] = []
    for (const desk of desks) {
      if (!desk.isDirty && !desk.holds) continue
      const move = desk.begin()
      if (move) due.push({ desk, move })
      else this.#again(desk)
    }
    const trips: Promise<void>[] = []
    for (let at = 0; at < due.length; at += maxMoves)
      trips.push(this.#say(due.slice(at, at + maxMoves)))
    await Promise.all(trips)
  }

  async #say(due: readonly { desk: Desk; move: Move }[]): Promise<void> {
    const saying = this.#door.say(due.map(({ move }) => move))
    const said = await inTime(saying, () => this.#clock.elapsed()).catch(() => [])
    for (const [index, { desk, move }] of due.entries()) {
      const wasSaid = said[index] === true
      desk.end(move, wasSaid)
      if (!wasSaid || desk.isDirty) this.#again(desk)
    }
  }

  #again(desk: Desk): void {
    if (!this.#isStopped && !this.#forgotten.has(desk)) this.#confirmSoon(desk)
  }
}
