import type { Clock } from '../clock.js'

/**
 * Shares one answer among all who ask within `forMs`: those who ask while it is being found out
 * wait for the same one. Failures are not kept.
 */
export function shared<T>(ask: () => Promise<T>, forMs: number, clock: Clock): () => Promise<T> {
  let held: { answer: Promise<T>; until: number } | undefined
  return () => {
    if (held && clock.elapsed() < held.until) return held.answer
    const answer = ask()
    const mine = { answer, until: clock.elapsed() + forMs }
    held = mine
    answer.catch(() => {
      if (held === mine) held = undefined
    })
    return answer
  }
}
