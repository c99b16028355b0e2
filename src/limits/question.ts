import type { Flow } from '../store/counter-flow.js'
import type { CountedLimit } from '../store/counter-move.js'
import type { Amount } from './amount.js'

/** What is asked, in the windows of the instant it is asked at. */
export interface Question {
  readonly limits: readonly CountedLimit[]
  readonly flows: readonly Flow[]
  /** Windows in which the operation counts, limited or not. */
  readonly keys: readonly string[]
  /** Windows of which a counter forgets nothing: those too that other plans and instances count in. */
  readonly kept: readonly string[]
  /** Since when these are the windows, and until when, epoch ms. */
  readonly since: number
  readonly until: number
}

/** What a counter is kept for. */
export type Kept = Omit<Question, 'limits'>

/** What was let through, until its usage is known. */
export interface Held extends Kept {
  /** The windows it counts in; `keys` has also where only what runs now is counted. */
  readonly windows: readonly string[]
  /** Undefined: it was let through without asking. */
  readonly held: Amount | undefined
}

export function keptOf({ keys, kept, since, until, flows }: Kept): Kept {
  return { keys, kept, since, until, flows }
}

/** Whether both are asked under the same limits and in the same windows. */
export function isSameQuestion(a: Question, b: Question | undefined): boolean {
  if (a === b) return true
  return b !== undefined && a.limits === b.limits && a.keys.join() === b.keys.join()
}
