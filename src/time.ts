import { DateTime, IANAZone } from 'luxon'

export const minuteMs = 60_000
export const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs
/** Width of the finer rollup bucket. Every zone in use today is a multiple of it from UTC. */
export const intervalMs = 15 * minuteMs
/** How far ahead of the clock an event may be dated. */
export const maxAheadMs = 5 * minuteMs

/** A half open span of time, `[from, to)`. */
export interface Span {
  readonly from: Date
  readonly to: Date
}

export function floorTo(instant: number, widthMs: number): number {
  return Math.floor(instant / widthMs) * widthMs
}

export function ceilTo(instant: number, widthMs: number): number {
  return Math.ceil(instant / widthMs) * widthMs
}

/** True for a zone name that the platform knows (IANA, or UTC). Fixed offsets are not zones. */
export function isTimezone(zone: unknown): zone is string {
  return typeof zone === 'string' && /^[A-Za-z]/.test(zone) && IANAZone.isValidZone(zone)
}

/**
 * The one name of a zone that has many spellings (`europe/BERLIN`): what is remembered per zone stays
 * bounded by the zones there are.
 */
export function zoneOf(zone: string): string {
  return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone
}

/** A calendar day of a zone: 23, 24 or 25 hours long. */
export interface LocalDay extends Span {
  /** YYYY-MM-DD in the zone. */
  readonly date: string
}

/** The calendar days that a span touches, clipped to it. */
export function localDays({ from, to }: Span, timezone: string): LocalDay[] {
  const days: LocalDay[] = []
  let start = startOf(DateTime.fromJSDate(from, { zone: timezone }), 'day')
  while (start.toMillis() < to.getTime()) {
    const next = startOf(start.plus({ days: 1 }), 'day')
    days.push({
      date: start.toFormat('yyyy-MM-dd'),
      from: new Date(Math.max(start.toMillis(), from.getTime())),
      to: new Date(Math.min(next.toMillis(), to.getTime())),
    })
    start = next
  }
  return days
}

/** The last `days` calendar days of a zone, today included, up to the end of today. */
export function lastDays(now: number, days: number, timezone: string): Span {
  const today = startOf(DateTime.fromMillis(now, { zone: timezone }), 'day')
  return {
    from: startOf(today.minus({ days: days - 1 }), 'day').toJSDate(),
    to: startOf(today.plus({ days: 1 }), 'day').toJSDate(),
  }
}

/** The calendar month of a zone that holds `now`. */
export function billingMonth(now: number, timezone: string): Span {
  const start = startOf(DateTime.fromMillis(now, { zone: timezone }), 'month')
  return { from: start.toJSDate(), to: startOf(start.plus({ months: 1 }), 'month').toJSDate() }
}

/** The beginning of the day or month that an instant lies in: with the first, where midnight comes twice. */
export function startOf(at: DateTime, unit: 'day' | 'month'): DateTime {
  const start = at.startOf(unit)
  return start.getPossibleOffsets()[0] ?? start
}

/** Reads `2026-03-29` (midnight in the zone) or an ISO 8601 instant with an offset. */
export function parseInstant(text: string, timezone: string): Date | undefined {
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text)
  const hasOffset = /^\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)$/i.test(text)
  if (!isDate && !hasOffset) return undefined
  const parsed = DateTime.fromISO(text, isDate ? { zone: timezone } : { setZone: true })
  const year = parsed.year
  if (!parsed.isValid || year < 2000 || year > 9999) return undefined
  return (isDate ? startOf(parsed, 'day') : parsed).toJSDate()
}
