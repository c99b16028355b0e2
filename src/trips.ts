import { setImmediate } from 'node:timers'
import { inTime } from './in-time.js'

/** Several questions in one trip; each can fail by itself. */
type AskAll<Q, A> = (questions: readonly Q[]) => Promise<PromiseSettledResult<A>[]>

export interface TripsOptions {
  /** Monotonic ms. */
  readonly elapsed: () => number
  /** Questions in one trip at most. */
  readonly maxQuestions: number
  /** How long a trip may take, ms; 250 when absent. */
  readonly deadlineMs?: number
}

interface Passenger<Q, A> {
  readonly question: Q
  readonly resolve: (answer: A) => void
  readonly reject: (error: unknown) => void
}

/** Trips that are under way at once at most: what comes meanwhile shares the next. */
const maxTrips = 4

/**
 * Questions to the database that are asked in one turn of the event loop, or while all trips are
 * under way, share a trip: what it costs to ask is mostly per trip.
 */
export class Trips<Q, A> {
  readonly #askAll: AskAll<Q, A>
  readonly #options: TripsOptions
  #waiting: Passenger<Q, A>[] = []
  #trips = 0
  #isCalled = false

  constructor(askAll: AskAll<Q, A>, options: TripsOptions) {
    this.#askAll = askAll
    this.#options = options
  }

  /** Rejects when nothing is certain. A wait for others is not the store's, and has no deadline. */
  ask(question: Q): Promise<A> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject })
      if (this.#isCalled) return
      this.#isCalled = true
      setImmediate(this.#depart)
    })
  }

  readonly #depart = (): void => {
    this.#isCalled = false
    while (this.#waiting.length > 0 && this.#trips < maxTrips) {
      void this.#go(this.#waiting.splice(0, this.#options.maxQuestions))
    }
  }

  async #go(passengers: readonly Passenger<Q, A>[]): Promise<void> {
    const { elapsed, deadlineMs } = this.#options
    this.#trips += 1
    try {
      const going = this.#askAll(passengers.map(({ question }) => question))
      const arrived = await inTime(going, elapsed, deadlineMs)
      for (const [index, { resolve, reject }] of passengers.entries()) {
        const one = arrived[index]
        if (one?.status === 'fulfilled') resolve(one.value)
        else reject(one?.reason)
      }
    } catch (error) {
      // Who waits for the next trip would only find out the same, later.
      const stranded = this.#waiting
      this.#waiting = []
      for (const { reject } of [...passengers, ...stranded]) reject(error)
    }
    this.#trips -= 1
    this.#depart()
  }
}
