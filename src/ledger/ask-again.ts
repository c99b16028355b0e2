import { clearTimeout, setTimeout } from 'node:timers'

/** What is asked has no answer after so long: it is asked again, ms. Twice as long before the time after. */
const againMs = 5_000
/** How often at most; what asks longer has found a database that hangs. */
const most = 3

export interface Asking<T> {
  readonly ask: () => Promise<T>
  /** Whether nothing better can come. */
  readonly isAnswer: (result: T) => boolean
  /** Whether asking twice does no harm, as known by now. */
  readonly mayAskAgain: () => boolean
}

/**
 * Asks, and asks again beside it when there is no answer: a connection that has died without a word, in
 * a firewall or with a machine, keeps what was asked over it for as long as the system tries to reach the
 * other end. Resolves with the first answer, or with what the last one asked has come to.
 */
export function askAgain<T>({ ask, isAnswer, mayAskAgain }: Asking<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    let asked = 0
    const start = () => {
      const mine = ++asked
      const isLast = () => mine === asked
      ask().then(
        (result) => {
          if (!isLast() && !isAnswer(result)) return
          clearTimeout(timer)
          resolve(result)
        },
        (error: unknown) => {
          if (!isLast()) return
          clearTimeout(timer)
          reject(error instanceof Error ? error : new Error(String(error)))
        },
      )
      if (mine === most) return
      timer = setTimeout(() => mayAskAgain() && start(), againMs * 2 ** (mine - 1))
      timer.unref()
    }
    start()
  })
}
