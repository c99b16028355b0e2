import type { Clock } from '../clock.js'

const maxRestMs = 10_000

/**
 * Shares one answer among all who ask within `forMs`: those who ask while it is being found out
 * wait for the same one. Failures are not kept. With `restsPerWork`, what took long to find out is
 * shared so many times as long, up to 10 s.
 */
export function shared<T>(
  ask: () => Promise<T>,
  forMs: number,
  clock: Clock,
  restsPerWork = 0,
): () => Promise<T> {
  let held: { answer: Promise<T>; until: number } | undefined
  return () => {
    const began = clock.elapsed()
    if (held && began < held.until) return held.answer
    const answer = ask()
    const mine = { answer, until: began + forMs }
    held = mine
    answer.then(
      () => {
        const now = clock.elapsed()
        const restMs = Math.min(restsPerWork * (now - began), maxRestMs)
        mine.until = Math.max(mine.until, now + restMs)
      },
      () => {
        if (held === mine) held = undefined
      },
    )
    return answer
  }
}
