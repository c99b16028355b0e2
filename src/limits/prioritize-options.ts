import * as z from 'zod'
import { invalidOption, shown } from '../identity/invalid-option.js'

/** The options of `usage.prioritize`. */
export interface PrioritizeOptions {
  /** How many AI requests may be worked on at once in this process. */
  concurrency: number
  /** How long a request may wait for its turn, ms; 503 beyond. Default 30,000. */
  maxWaitMs?: number | undefined
  /** How many requests may wait; 503 beyond. 0: none. Default 1,000. */
  maxQueue?: number | undefined
}

/** `PrioritizeOptions`, checked, with defaults. */
export interface PrioritizeConfig {
  readonly concurrency: number
  readonly maxWaitMs: number
  readonly maxQueue: number
}

const whole = (from: number, to: number) => {
  const error = `must be a whole number from ${from} to ${to}`
  return z.int({ error }).min(from, { error }).max(to, { error })
}

const schema = z.strictObject({
  concurrency: whole(1, 1_000_000),
  maxWaitMs: whole(1, 3_600_000).default(30_000),
  maxQueue: whole(0, 100_000).default(1_000),
})

/**
 * Checks the options of a line.
 * @throws UsageError `invalid_option`, naming option, rule and value
 */
export function parsePrioritizeOptions(options: PrioritizeOptions): PrioritizeConfig {
  const parsed = schema.safeParse(options)
  if (parsed.success) return Object.freeze(parsed.data)
  const issue = parsed.error.issues[0]
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys
    const value: unknown = Reflect.get(Object(options), key)
    throw invalidOption(`prioritize.${key}`, 'is not an option', shown(value))
  }
  const [option] = (issue?.path ?? []).map(String)
  if (option === undefined) {
    throw invalidOption('prioritize', 'must be given an object of options', shown(options))
  }
  const value: unknown = Reflect.get(Object(options), option)
  throw invalidOption(`prioritize.${option}`, issue?.message ?? 'must be valid', shown(value))
}
