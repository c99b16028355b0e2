import { setMaxListeners } from 'node:events'
import { setImmediate } from 'node:timers'
import { UsageError } from './errors.js'

/**
 * Waits for something that is never over once all has ended.
 * @throws UsageError `closed`
 */
export function untilEnd<T>(work: Promise<T>, ended: AbortSignal): Promise<T> {
  // Any number may wait.
  setMaxListeners(0, ended)
  return new Promise((resolve, reject) => {
    // What is over already is said in this turn still.
    const giveUp = () =>
      setImmediate(() => {
        reject(new UsageError('closed', 'The meter was closed before everything was stored'))
      })
    work.then(resolve, reject)
    if (ended.aborted) giveUp()
    else {
      ended.addEventListener('abort', giveUp, { once: true })
      const leave = () => ended.removeEventListener('abort', giveUp)
      work.then(leave, leave)
    }
  })
}
