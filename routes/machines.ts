import type { Request, RequestHandler } from 'express'
import type { HealthReport } from '../src/health.js'
import type { RouteContext } from './context.js'
import { sendJson } from './json.js'
import { handle, type Route } from './route.js'

/** What monitoring and tools ask, without a token. */
export function machineRoutes(context: RouteContext): Route[] {
  const livez = handle((_req, res) => sendJson(res, { status: 'ok' }))
  const readyz = handle(async (_req, res) => {
    const ready = context.isOpen() && (await context.isReady())
    sendJson(res, { status: ready ? 'ok' : 'down' }, ready ? 200 : 503)
  })
  const openapi = handle(async (_req, res) => {
    const text = await context.openapi()
    res.type('application/yaml').send(text)
  })
  return [
    { method: 'get', path: '/health', handlers: [createHealth(() => context.health())] },
    { method: 'get', path: '/livez', handlers: [livez] },
    { method: 'get', path: '/readyz', handlers: [readyz] },
    { method: 'get', path: '/openapi.yaml', handlers: [openapi] },
  ]
}

/** The public health handler; also `usage.health()`. */
export function createHealth(
  report: () => Promise<HealthReport>,
  discard?: (req: Request) => void,
): RequestHandler {
  return function usageHealth(req, res, next) {
    discard?.(req)
    report().then((found) => sendJson(res, found, found.status === 'down' ? 503 : 200), next)
  }
}
