import type { RouteContext } from './context.js'
import { parseQuery } from './query.js'
import { handle, type Route } from './route.js'

/** Counters for Prometheus: for admins and services, or for all where the host has opened them. */
export function metricsRoutes(context: RouteContext): Route[] {
  const { metrics } = context
  if (metrics === false) return []
  const show = handle(async (req, res) => {
    parseQuery(req, {})
    const { contentType, text } = await metrics.expose()
    res.set('Cache-Control', 'no-store').set('Content-Type', contentType).end(text)
  })
  const handlers = metrics.public ? [show] : [context.guard('service'), show]
  return [{ method: 'get', path: '/metrics', handlers }]
}
