import * as z from 'zod'
import type { UsageEvent } from '../src/event.js'
import type { LogFilter } from '../src/store/log-store.js'
import type { RouteContext } from './context.js'
import { eventJson, sendJson } from './json.js'
import {
  cursorInstant,
  decodeCursor,
  encodeCursor,
  fields,
  page,
  parseQuery,
  rangeOf,
} from './query.js'
import { handle, type Route } from './route.js'

/** The parameters of a page of the request log. */
export const logPageFields = {
  limit: fields.limit,
  cursor: fields.cursor,
  model: fields.text,
  endpoint: fields.path,
  status: fields.status,
  success: fields.flag,
  min_tokens: fields.min_tokens,
  from: fields.from,
  to: fields.to,
  timezone: fields.timezone,
}

type LogQuery = z.infer<z.ZodObject<typeof logPageFields>>

const position = z.tuple([cursorInstant, z.string().max(64)])

/** The filter that a query asks for. */
export function logFilterOf(query: LogQuery, defaultZone: string): LogFilter {
  const { model, endpoint, status, success, min_tokens } = query
  return {
    ...(model !== undefined && { model }),
    ...(endpoint !== undefined && { endpoint }),
    ...(status !== undefined && { status }),
    ...(success !== undefined && { success }),
    ...(min_tokens !== undefined && { min_tokens }),
    ...rangeOf(query, defaultZone),
  }
}

/** A page of the log, newest first. */
export async function logPage(
  context: RouteContext,
  filter: LogFilter,
  { limit, cursor }: LogQuery,
  show: (event: UsageEvent) => unknown,
) {
  const after = cursor === undefined ? undefined : decodeCursor(cursor, position)
  const events = await context.logs(
    filter,
    after && { timestamp: new Date(after[0]), id: after[1] },
    limit + 1,
  )
  return page(events, limit, show, (event) => encodeCursor([event.timestamp.getTime(), event._id]))
}

/** The request log, for admins. */
export function logRoutes(context: RouteContext): Route[] {
  const logs = handle(async (req, res) => {
    const { user, ...query } = parseQuery(req, { ...logPageFields, user: fields.id })
    const filter = {
      ...logFilterOf(query, context.timezone),
      ...(user !== undefined && { user_id: user }),
    }
    sendJson(res, await logPage(context, filter, query, eventJson))
  })
  return [{ method: 'get', path: '/logs', handlers: [context.guard('admin'), logs] }]
}
