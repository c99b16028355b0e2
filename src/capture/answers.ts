import { add, joinFigures } from './figures.js'
import { name, type Reading } from './reading.js'

/** The answer that a reading is in. */
interface Answer {
  id: string
  hasEnded: boolean
}

const current = new WeakMap<Reading, Answer>()

/**
 * Says whose answer a payload belongs to, by the provider's id, and whether it is its last. A
 * response may hand on several answers (an agent that passes two streams on): when another begins
 * after the end of one, the figures of that one are put aside, to be added up in the end. Answers
 * whether it does.
 */
export function sayAnswer(reading: Reading, id: unknown, isLast: boolean): boolean {
  const told = name(id)
  if (told === undefined) return false
  reading.generation_id ??= told
  const known = current.get(reading)
  const begins = known?.hasEnded === true && known.id !== told
  if (begins) putAside(reading)
  if (known === undefined || begins) current.set(reading, { id: told, hasEnded: isLast })
  else known.hasEnded ||= isLast
  return begins
}

function putAside(reading: Reading): void {
  const { tokens, cost_usd } = reading
  if (tokens.input_tokens === undefined) return
  reading.earlier = joinFigures(reading.earlier ?? {}, tokens, add)
  reading.tokens = {}
  reading.output_is_final = false
  if (cost_usd !== undefined) reading.earlier_cost_usd = (reading.earlier_cost_usd ?? 0) + cost_usd
  delete reading.cost_usd
}

/** Adds what was put aside, once all is read. */
export function addEarlier(reading: Reading): void {
  const { earlier, earlier_cost_usd } = reading
  if (earlier === undefined) return
  delete reading.earlier
  reading.tokens = joinFigures(earlier, reading.tokens, add)
  // Without the last one's, nobody knows what all have cost.
  if (earlier_cost_usd !== undefined && reading.cost_usd !== undefined)
    reading.cost_usd += earlier_cost_usd
}
