import { setImmediate } from 'node:timers'

/** The only reader of the system clock. Tests inject their own. */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. */
  now(): number
  /** Monotonic milliseconds from an arbitrary origin, for durations. */
  elapsed(): number
  /** `elapsed`, or what it was earlier in this turn of the event loop: for what is asked many times. */
  turnElapsed?(): number
}

let turnElapsed: number | undefined

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  turnElapsed: () => {
    if (turnElapsed === undefined) {
      turnElapsed = performance.now()
      setImmediate(endTurn)
    }
    return turnElapsed
  },
}

function endTurn(): void {
  turnElapsed = undefined
}
