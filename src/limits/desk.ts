import { v7 as uuidv7 } from 'uuid'
import { flowDelayOf, type Counted } from '../store/counter-flow.js'
import { goneMs, type Move, type Moved } from '../store/counter-move.js'
import type { Clock } from '../clock.js'
import type { Amount } from './amount.js'
import { Nearness } from './nearness.js'
import { isSameQuestion, keptOf, type Held, type Kept, type Question } from './question.js'
import { Tally } from './tally.js'
import type { Trips } from '../trips.js'

export interface Answer extends Pick<Counted, 'parts'> {
  readonly admitted: boolean
  /** How long it is to wait, so that what limits smooth comes at a steady rate, ms. */
  readonly delayMs: number
}

interface Ask {
  readonly question: Question
  readonly amount: Amount
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/** How long holds count after they were last confirmed, ms. */
export const leaseMs = 30_000
/** Asks that go in one update at most. */
const maxAsks = 256
/** How long a desk that has nothing to say is kept at least, ms: the next one's part comes beside its own. */
const idleMs = 300_000
/** After a silence of this length a desk speaks under another name: others may have merged what it said. */
const silentMs = 1_800_000

/**
 * Where one instance asks for one subject. Asks that arrive while an update is on its way go together
 * in the next: a burst costs few trips, and each is judged in its turn.
 */
export class Desk {
  readonly #subject: string
  readonly #trips: Trips<Move, Moved>
  readonly #clock: Clock
  /** By when it began: what an erased user's new account says is told from what the old one's did. */
  #instance: string
  /**
   * Whether the store is known to have heard this name. One that it may have heard is kept: what was
   * said without an answer would count again under another.
   */
  #hasSpoken = false
  readonly #tally = new Tally()
  readonly #nearness = new Nearness<Held>()
  /** Numbers the moves, so that one that arrives late does not undo a later one. */
  #sequence = 0
  #waiting: Ask[] = []
  #isMoving = false
  #onMoved: (() => void)[] = []
  #isDirty = false
  #movedAt: number
  /** Whether others have left parts that should be merged. */
  #seesGone = false
  #last: Kept = { keys: [], kept: [], since: -Infinity, until: -Infinity, flows: [] }

  constructor(subject: string, trips: Trips<Move, Moved>, clock: Clock) {
    this.#subject = subject
    this.#trips = trips
    this.#clock = clock
    this.#movedAt = clock.elapsed()
    this.#instance = uuidv7({ msecs: clock.now() })
  }

  get holds(): boolean {
    return this.#tally.holds
  }

  /** Whether there is something to say that the store does not know. */
  get isDirty(): boolean {
    return this.#isDirty
  }

  /** Whether what is settled here may decide at once what others let through. */
  get isUrgent(): boolean {
    return this.#nearness.isNear && this.#nearness.hasOthers
  }

  /** Whether the store knows all of it, and has for a while: another desk may take its place. */
  get isIdle(): boolean {
    if (this.#isDirty || this.holds || this.#isMoving) return false
    return this.#clock.elapsed() - this.#movedAt > idleMs
  }

  /** Rejects when the store did; nothing is held then. */
  ask(question: Question, amount: Amount): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, amount, resolve, reject })
      if (!this.#isMoving) void this.#work()
    })
  }

  /** Resolves when the update that is on its way, if one is, has ended. */
  moved(): Promise<void> {
    return this.#isMoving ? new Promise((done) => this.#onMoved.push(done)) : Promise.resolve()
  }

  /** What it used will be settled within moments. */
  ended(held: Held): void {
    this.#nearness.ended(held)
  }

  /** Counts what was admitted without asking, or puts the truth in the place of what was held. */
  settle(settled: Held, used: Amount): void {
    const { windows, since, held } = settled
    this.#nearness.counted(settled)
    // Who never asks learns of new windows here.
    if (since > this.#last.since) this.#last = keptOf(settled)
    if (held !== undefined) this.#tally.release(settled.keys, held)
    this.#tally.settle(windows, used)
    this.#isDirty = true
  }

  /** What has changed since the last time, to be said; undefined while an update is on its way. */
  begin(): Move | undefined {
    if (this.#isMoving) return undefined
    this.#isMoving = true
    this.#isDirty = false
    return this.#moveOf({ ...this.#last, limits: [] }, [])
  }

  /** To be called once for what `begin` gave, with whether it was said. */
  end(move: Move, wasSaid: boolean): void {
    if (wasSaid) this.#hasSaid(move)
    else this.#isDirty = true
    this.#isMoving = false
    this.#hasMoved()
    if (this.#waiting.length > 0) void this.#work()
  }

  async #work(): Promise<void> {
    this.#isMoving = true
    while (this.#waiting.length > 0) {
      await this.#nearness.allCounted()
      const batch = this.#takeBatch()
      const question = batch[0]?.question
      if (question === undefined) break
      this.#isDirty = false
      try {
        const amounts = batch.map((ask) => ask.amount)
        this.#answer(batch, question, await this.#move(question, amounts))
      } catch (error) {
        this.#isDirty = true
        for (const ask of batch) ask.reject(error)
      }
      this.#hasMoved()
    }
    this.#isMoving = false
    this.#hasMoved()
  }

  #hasMoved(): void {
    for (const done of this.#onMoved.splice(0)) done()
  }

  #answer(
    batch: readonly Ask[],
    question: Question,
    moved: Moved & { readonly now: number },
  ): void {
    const { parts, flows, now } = moved
    const isAdmitted = new Set(moved.admitted)
    this.#nearness.learn(question.limits, parts, { instance: this.#instance, now })
    const tokens = (index: number) =>
      isAdmitted.has(index) ? (batch[index]?.amount.tokens ?? 0) : 0
    const last = batch.reduce((sum, _, index) => sum + tokens(index), 0)
    let before = 0
    for (const [index, ask] of batch.entries()) {
      const admitted = isAdmitted.has(index)
      if (admitted) this.#tally.hold(question.keys, ask.amount)
      const delayMs = flowDelayOf(question.flows, flows, { before, last, now })
      ask.resolve({ admitted, parts, delayMs })
      before += tokens(index)
    }
  }

  /** Those that ask under the same limits and in the same windows. */
  #takeBatch(): Ask[] {
    const first = this.#waiting[0]?.question
    const differs = this.#waiting.findIndex(({ question }) => !isSameQuestion(question, first))
    const count = Math.min(differs === -1 ? this.#waiting.length : differs, maxAsks)
    return this.#waiting.splice(0, count)
  }

  async #move(question: Question, asks: readonly Amount[]): Promise<Moved & { now: number }> {
    const move = this.#moveOf(question, asks)
    const moved = await this.#trips.ask(move)
    const gone = moved.parts.filter(({ e }) => e < move.now - goneMs)
    this.#seesGone = gone.length > 1
    this.#hasSaid(move)
    return { ...moved, now: move.now }
  }

  #hasSaid({ own }: Move): void {
    this.#hasSpoken = true
    this.#tally.said(own)
    this.#movedAt = this.#clock.elapsed()
  }

  #moveOf(question: Question, asks: readonly Amount[]): Move {
    const { limits, keys, flows } = question
    const now = this.#clock.now()
    if (this.#hasSpoken && this.#clock.elapsed() - this.#movedAt > silentMs) {
      this.#instance = uuidv7({ msecs: now })
      this.#hasSpoken = false
      this.#tally.renew()
    }
    // Holds of windows that are over are settled there still.
    const keep = [...new Set([...question.kept, ...this.#last.keys])]
    this.#tally.keepOnly(keep)
    this.#last = keptOf(question)
    this.#sequence += 1
    // Who says only how something long has ended may be in windows that are over.
    const forgets = now < question.until
    return {
      subject: this.#subject,
      instance: this.#instance,
      sequence: this.#sequence,
      now,
      leaseUntil: now + leaseMs,
      keep,
      own: this.#tally.parts(),
      limits,
      flows,
      keys,
      asks,
      forgets,
      merges: this.#seesGone && forgets,
    }
  }
}
