import type * as z from 'zod'
import { invalidOption, shown } from './identity/invalid-option.js'

/** What is wrong with the options, by option, rule and value. */
export function describe(issue: z.core.$ZodIssue | undefined, options: unknown): Error {
  const path = (issue?.path ?? []).map(String)
  if (issue?.code === 'unrecognized_keys') {
    const option = [...path, issue.keys[0]].join('.')
    return invalidOption(option, 'is not an option', shown(Object.keys(at(options, path) ?? {})))
  }
  const value = at(options, path)
  const secretive = path[0] === 'mongoUri' || path[0] === 'connection'
  const message = issue?.message.replace(/^Invalid (?:input|option|string): /, '') ?? 'is invalid'
  const rule = message.startsWith('must') ? message : `must be valid (${message})`
  return invalidOption(path.join('.') || 'options', rule, secretive ? typeof value : shown(value))
}

function at(value: unknown, path: readonly string[]): object | undefined {
  let found: unknown = value
  for (const key of path) {
    found = typeof found === 'object' && found !== null ? Reflect.get(found, key) : undefined
  }
  return found as object | undefined
}
