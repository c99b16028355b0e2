import { clearTimeout, setTimeout } from 'node:timers'

/** Calls back until it is told to stop. */
export type Subscribe = (listener: () => void) => () => void

/**
 * Calls back at once, and once more when an answer that is shared for `forMs` has what was done: at
 * most twice in that time, however much is done. What `isOver` is told at once.
 */
export function paced(subscribe: Subscribe, forMs: number, isOver: () => boolean): Subscribe {
  return (listener) => {
    let again: NodeJS.Timeout | undefined
    const tellAgain = () => {
      again = undefined
      listener()
    }
    const silence = subscribe(() => {
      if (again !== undefined && !isOver()) return
      again ??= setTimeout(tellAgain, forMs).unref()
      listener()
    })
    return () => {
      silence()
      clearTimeout(again)
    }
  }
}
