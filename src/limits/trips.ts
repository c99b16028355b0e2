import type { Move, Moved } from '../store/counter-move.js'
import { inTime } from '../in-time.js'

/** Several moves in one trip; each can fail by itself. */
type MoveAll = (moves: readonly Move[]) => Promise<PromiseSettledResult<Moved>[]>

interface Passenger {
  readonly move: Move
  readonly resolve: (moved: Moved) => void
  readonly reject: (error: unknown) => void
}

/** Trips that are under way at once at most: what comes meanwhile shares the next. */
const maxTrips = 4
/** Moves in one trip at most. */
const maxMoves = 100

/**
 * Moves of different counters that are asked for in one turn of the event loop, or while all trips are
 * under way, share a trip: what it costs to ask the database is mostly per trip.
 */
export class Trips {
  readonly #moveAll: MoveAll
  readonly #elapsed: () => number
  #waiting: Passenger[] = []
  #trips = 0
  #isCalled = false

  constructor(moveAll: MoveAll, elapsed: () => number) {
    this.#moveAll = moveAll
    this.#elapsed = elapsed
  }

  /** Rejects when nothing is certain. A wait for others is not the store's, and has no deadline. */
  move(move: Move): Promise<Moved> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ move, resolve, reject })
      if (this.#isCalled) return
      this.#isCalled = true
      setImmediate(this.#depart)
    })
  }

  readonly #depart = (): void => {
    this.#isCalled = false
    while (this.#waiting.length > 0 && this.#trips < maxTrips) {
      void this.#go(this.#waiting.splice(0, maxMoves))
    }
  }

  async #go(passengers: readonly Passenger[]): Promise<void> {
    this.#trips += 1
    try {
      const going = this.#moveAll(passengers.map(({ move }) => move))
      const arrived = await inTime(going, this.#elapsed)
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
