import * as z from 'zod'
import { callerOf } from '../middleware/authenticate.js'
import { UsageError } from '../src/errors.js'
import type { UnrecordedEvent } from '../src/event.js'
import type { Submitted } from '../src/ledger/submit.js'
import type { RouteContext } from './context.js'
import { sendJson } from './json.js'
import { jsonBody } from './json-body.js'
import { parseQuery } from './query.js'
import { handle, type Route } from './route.js'

const maxEvents = 1000
const body = z.union([
  z.array(z.unknown()),
  z.strictObject({ events: z.array(z.unknown()) }).transform(({ events }) => events),
])

/** Operations that happened elsewhere, from services and admins. */
export function eventRoutes(context: RouteContext): Route[] {
  const take = handle(async (req, res) => {
    parseQuery(req, {})
    const events = parseBody(req.body)
    const sender = `events\0${callerOf(req).user_id}`
    sendJson(res, await submitAll(context, events, sender), 202)
  })
  const json = jsonBody(4 * 1024 * 1024)
  return [{ method: 'post', path: '/events', handlers: [context.guard('service'), json, take] }]
}

function parseBody(input: unknown): unknown[] {
  const parsed = body.safeParse(input)
  if (!parsed.success) {
    throw new UsageError(
      'invalid_body',
      'The body must be a JSON array of events, or { "events": [ … ] }',
    )
  }
  if (parsed.data.length === 0) {
    throw new UsageError('invalid_body', 'There must be at least one event')
  }
  if (parsed.data.length > maxEvents) {
    throw new UsageError('body_too_large', `At most ${maxEvents} events are taken at once`)
  }
  return parsed.data
}

async function submitAll(context: RouteContext, inputs: readonly unknown[], sender: string) {
  const rejected: { index: number; code: string; detail: string }[] = []
  const events: { index: number; event: UnrecordedEvent }[] = []
  inputs.forEach((input, index) => {
    try {
      events.push({ index, event: context.parseEvent(input, sender) })
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      rejected.push({ index, code: error.code, detail: error.message })
    }
  })
  const outcomes = await context.submit(events.map(({ event }) => event))
  const counts = { accepted: 0, duplicates: 0 }
  outcomes.forEach((outcome: Submitted, at) => {
    if (outcome.outcome === 'accepted') counts.accepted += 1
    else if (outcome.outcome === 'duplicate') counts.duplicates += 1
    else
      rejected.push({ index: events[at]?.index ?? -1, code: outcome.code, detail: outcome.detail })
  })
  rejected.sort((a, b) => a.index - b.index)
  return { ...counts, rejected }
}
