import type { Request } from 'express'
import * as z from 'zod'
import { UsageError } from '../src/errors.js'
import {
  dayMs,
  hourMs,
  isTimezone,
  lastDays,
  localDays,
  parseInstant,
  zoneOf,
  type Span,
} from '../src/time.js'

/** The longest span of a question, days. */
const maxDays = 366
const clockChangesMs = 3 * hourMs

/**
 * The query of a request as a type. Every parameter may come once and must be known: it is read
 * from the URL itself, so that no host's query parser makes objects of it.
 * @throws UsageError `invalid_parameter`
 */
export function parseQuery<T extends z.ZodRawShape>(
  req: Request,
  shape: T,
): z.infer<z.ZodObject<T>> {
  const mark = req.url.indexOf('?')
  const raw = mark === -1 ? '' : req.url.slice(mark + 1)
  if (!isEncoded(raw)) throw invalid('query', 'must be percent-encoded UTF-8')
  const search = new URLSearchParams(raw)
  const values: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [key, value] of search) {
    if (key in values) throw invalid(key, 'must be given once')
    values[key] = value
  }
  const parsed = z.strictObject(shape).safeParse({ ...values })
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  if (issue?.code === 'unrecognized_keys')
    throw invalid(issue.keys[0] ?? '', 'is not a parameter here')
  throw invalid(String(issue?.path[0] ?? ''), issue?.message ?? 'is invalid')
}

/** URLSearchParams would take what is not for the character U+FFFD. */
function isEncoded(raw: string): boolean {
  try {
    decodeURIComponent(raw)
    return true
  } catch {
    return false
  }
}

function invalid(parameter: string, rule: string): UsageError {
  const name = parameter.slice(0, 64)
  return new UsageError('invalid_parameter', `${name} ${rule}`, { details: { parameter: name } })
}

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`)

const printable = (max: number) =>
  z
    .string()
    .min(1, 'must not be empty')
    .max(max, `must have at most ${max} characters`)
    .regex(/^[^\p{C}]+$/u, 'must be printable')

export const fields = {
  days: wholeNumber(1, maxDays).optional(),
  from: z.string().max(40, 'must have at most 40 characters').optional(),
  to: z.string().max(40, 'must have at most 40 characters').optional(),
  timezone: z.string().refine(isTimezone, 'must be an IANA time zone').transform(zoneOf).optional(),
  limit: wholeNumber(1, 500).default(50),
  cursor: z.string().max(8192, 'must have at most 8192 characters').optional(),
  text: printable(256).optional(),
  /** A user id, tier, or the beginning of one: the rule of src/identity/user-id.ts. */
  id: z
    .string()
    .regex(/^[^\p{Cc}\p{Cs}]{1,256}$/u, 'must have 1 to 256 characters')
    .optional(),
  path: printable(512).optional(),
  min_tokens: wholeNumber(0, 999_999_999).optional(),
  flag: z
    .enum(['true', 'false'], 'must be true or false')
    .transform((value) => value === 'true')
    .optional(),
  scope: z.enum(['user', 'org', 'global'], 'must be user, org or global').optional(),
  status: z
    .enum(['ok', 'error', 'aborted', 'blocked'], 'must be ok, error, aborted or blocked')
    .optional(),
}

/** The parameters of a question about a span of time. */
export const spanFields = {
  days: fields.days,
  from: fields.from,
  to: fields.to,
  timezone: fields.timezone,
}

interface SpanQuery {
  days?: number | undefined
  from?: string | undefined
  to?: string | undefined
  timezone?: string | undefined
}

/** `days` (30 by default) up to the end of today, or `from`/`to`, in the zone. */
export function spanOf(
  query: SpanQuery,
  now: number,
  defaultZone: string,
): { span: Span; timezone: string } {
  const timezone = query.timezone ?? defaultZone
  if (query.from === undefined && query.to === undefined) {
    return { span: lastDays(now, query.days ?? 30, timezone), timezone }
  }
  if (query.days !== undefined) throw invalid('days', 'cannot be given together with from or to')
  const from = instant(query.from, 'from', timezone)
  if (from === undefined) throw invalid('from', 'must be given when to is')
  const to = instant(query.to, 'to', timezone) ?? lastDays(now, 1, timezone).to
  if (to <= from) throw invalid('to', 'must lie after from')
  // A span that begins in summer time has an hour more.
  if (to.getTime() - from.getTime() > maxDays * dayMs + clockChangesMs) {
    throw invalid('from', `must lie at most ${maxDays} days before to`)
  }
  if (localDays({ from, to }, timezone).length > maxDays + 1)
    throw invalid('from', 'is too long ago')
  return { span: { from, to }, timezone }
}

/** `from`/`to` alone, each optional, for filters. */
export function rangeOf(query: SpanQuery, defaultZone: string): { from?: Date; to?: Date } {
  const timezone = query.timezone ?? defaultZone
  const from = instant(query.from, 'from', timezone)
  const to = instant(query.to, 'to', timezone)
  if (from && to && to <= from) throw invalid('to', 'must lie after from')
  return { ...(from && { from }), ...(to && { to }) }
}

function instant(text: string | undefined, parameter: string, timezone: string): Date | undefined {
  if (text === undefined) return undefined
  const parsed = parseInstant(text, timezone)
  if (parsed === undefined)
    throw invalid(parameter, 'must be a date (2026-03-29) or an ISO 8601 instant')
  return parsed
}

/** An instant in a cursor, epoch ms: what a Date can hold. */
export const cursorInstant = z.int().min(0).max(8.64e15)

/** An opaque cursor from a position. */
export function encodeCursor(position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/** @throws UsageError `invalid_parameter` for anything that `encodeCursor` did not make */
export function decodeCursor<T extends z.ZodType>(cursor: string, shape: T): z.infer<T> {
  try {
    return shape.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')))
  } catch {
    throw invalid('cursor', 'is not one of ours')
  }
}

/** A page of a list as the API answers it; `rows` may hold one more than `limit`. */
export function page<T, U>(
  rows: readonly T[],
  limit: number,
  show: (row: T) => U,
  cursorOf: (row: T) => string,
) {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const has_more = rows.length > limit
  return {
    data: shown.map(show),
    page: { next_cursor: has_more && last !== undefined ? cursorOf(last) : null, has_more },
  }
}
