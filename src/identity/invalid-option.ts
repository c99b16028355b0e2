import { inspect } from 'node:util'
import { UsageError } from '../errors.js'

/** The value of an option that may be shown, on one line and shortened. */
export function shown(value: unknown): string {
  return inspect(value, {
    depth: 1,
    breakLength: Infinity,
    maxArrayLength: 5,
    maxStringLength: 60,
    customInspect: false,
  })
}

/** A value that may be or hold a secret: only what kind of thing it is. */
export function concealed(value: unknown): string {
  if (typeof value === 'string') return `a string of ${Buffer.byteLength(value)} bytes`
  if (Array.isArray(value)) return `an array of ${value.length}`
  return value === null || value === undefined ? String(value) : `a value of type ${typeof value}`
}

/** `invalid_option`, with `details` of `option`, `rule` and `value` (as text that may be shown). */
export function invalidOption(option: string, rule: string, value: string): UsageError {
  return new UsageError('invalid_option', `${option} ${rule}; it is ${value}`, {
    details: { option, rule, value },
  })
}
