import type { RouteContext } from './context.js'
import { sendJson } from './json.js'
import { parseQuery, spanFields, spanOf } from './query.js'
import { handle, type Route } from './route.js'

/** Everybody's usage together, for admins. */
export function globalRoutes(context: RouteContext): Route[] {
  const usage = handle(async (req, res) => {
    const { span, timezone } = spanOf(parseQuery(req, spanFields), context.now(), context.timezone)
    sendJson(res, await context.globalUsage(span, timezone))
  })
  return [{ method: 'get', path: '/global', handlers: [context.guard('admin'), usage] }]
}
