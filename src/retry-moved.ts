import { UsageError } from './errors.js'

/** Changes that meet another change are tried again on what it left; this often at most. */
const maxTries = 5
const isMove = Symbol('moved')

/** To be thrown by an attempt whose subject was changed since it was read. `what` begins a sentence. */
export function moved(what: string): UsageError {
  return new UsageError('conflict', `${what} was changed by someone else at the same time`, {
    cause: isMove,
  })
}

/** Tries until nobody came between. @throws what the attempt throws, `moved` only after five tries */
export async function retryMoved<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      const wasMoved = error instanceof UsageError && error.cause === isMove
      if (!wasMoved || tries >= maxTries) throw error
    }
  }
}
