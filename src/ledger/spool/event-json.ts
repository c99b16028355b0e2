import { processDied, type UnrecordedEvent } from '../../event.js'

/** What is kept of an operation while it runs. */
export interface StartFacts {
  readonly _id: string
  readonly user_id: string
  readonly org_id?: string | undefined
  readonly tier: string
  readonly endpoint: string
  readonly operation_type: string
  readonly timestamp: Date | string
}

let last = { ms: NaN, text: '' }

/** An instant as JSON writes dates. Many events share their millisecond. */
export function instantText(ms: number): string {
  if (last.ms !== ms) last = { ms, text: new Date(ms).toISOString() }
  return last.text
}

/** An event as JSON; undefined where it cannot be written so. */
export function eventJson(event: UnrecordedEvent): string | undefined {
  // A date costs JSON more than all other fields together: its text stands in for it.
  const held: { timestamp: Date | string } = event
  const { timestamp } = event
  try {
    held.timestamp = instantText(timestamp.getTime())
    return JSON.stringify(event)
  } catch {
    return undefined
  } finally {
    held.timestamp = timestamp
  }
}

/**
 * The event back from what `eventJson` gave, in the same object: copies without the stamps made a
 * backlog take 60 MB more while it drains. Undefined if it is none. Stamps are made anew.
 */
export function eventOfJson(value: unknown): UnrecordedEvent | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const event = value as Record<string, unknown>
  const timestamp = new Date(String(event.timestamp))
  const hasNames = typeof event._id === 'string' && typeof event.user_id === 'string'
  if (!hasNames || Number.isNaN(timestamp.getTime())) return undefined
  if ('recorded_at' in event) delete event.recorded_at
  if ('late' in event) delete event.late
  event.timestamp = timestamp
  return event as unknown as UnrecordedEvent
}

/** The id that a frame is about. */
export function idOfJson(value: unknown): string | undefined {
  const id: unknown = typeof value === 'object' && value !== null && Reflect.get(value, '_id')
  return typeof id === 'string' ? id : undefined
}

/** The event of an operation whose process died before it ended: what was known. */
export function diedEvent(start: unknown): UnrecordedEvent | undefined {
  const facts = eventOfJson(start)
  if (facts === undefined) return undefined
  return {
    ...facts,
    input_tokens: 0,
    output_tokens: 0,
    tokens_used: 0,
    token_source: 'none',
    cost_nano_usd: null,
    success: false,
    status: 'aborted',
    error_type: processDied,
    stream: false,
    attempts: 1,
    late: true,
  }
}
