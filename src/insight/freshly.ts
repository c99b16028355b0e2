import { within } from '../deadline.js'

/** How long an answer waits for what this process has accepted and not stored yet, ms. */
const freshMs = 100

/** What is on its way to the log in this process. */
export interface OnItsWay {
  /** Age of the oldest, ms; 0 when there is none. */
  oldestMs(): number
  /** Resolves when what is on its way now can be read. */
  stored(): Promise<void>
}

/**
 * Asks once that can be read which was on its way before: a client finds in its next answer what it
 * has just done. Nobody waits for what is behind already, nor for long.
 */
export function freshly<A extends readonly unknown[], T>(
  way: OnItsWay,
  ask: (...args: A) => Promise<T>,
): (...args: A) => Promise<T> {
  return async (...args) => {
    if (way.oldestMs() <= freshMs) await within(way.stored(), freshMs)
    return ask(...args)
  }
}
