import * as z from 'zod'
import { UsageError, type ErrorCode } from './errors.js'

/** An instant with an offset, or a date: its midnight in UTC. */
export const instant = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], 'must be a date or an ISO 8601 instant')
  .transform((text) => new Date(text))
  .refine(
    (date) => date.getUTCFullYear() >= 2000 && date.getUTCFullYear() <= 9999,
    'must lie in the years 2000 to 9999',
  )

/**
 * Reads a body by its shape. `what` names it with its article: "a price".
 * @throws UsageError `invalid_body` when it is no object, else `code`, naming field and rule
 */
export function parseInput<T extends z.ZodType>(
  shape: T,
  input: unknown,
  code: ErrorCode,
  what: string,
): z.infer<T> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new UsageError('invalid_body', 'The body must be a JSON object')
  }
  const parsed = shape.safeParse(input)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const keys = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
  const field = [...(issue?.path ?? []), ...keys].map(String).join('.').slice(0, 64)
  const rule = keys.length > 0 ? `is not a field of ${what}` : (issue?.message ?? 'is invalid')
  throw new UsageError(code, `${field || 'the body'} ${rule}`, { details: { field } })
}
