import { Router, type RequestHandler } from 'express'
import { createProblemHandler, sendProblem } from '../middleware/problem.js'
import { UsageError } from '../src/errors.js'
import type { Logger } from '../src/logger.js'
import { auditRoutes } from './audit.js'
import { budgetRoutes } from './budgets.js'
import type { RouteContext } from './context.js'
import { docsFiles, docsPage } from './docs.js'
import { eventRoutes } from './events.js'
import { exportRoutes } from './export.js'
import { globalRoutes } from './global.js'
import { logRoutes } from './logs.js'
import { machineRoutes } from './machines.js'
import { meRoutes } from './me.js'
import { metricsRoutes } from './metrics.js'
import { modelRoutes } from './models.js'
import { planRoutes } from './plans.js'
import { priceRoutes } from './prices.js'
import { realtimeRoutes } from './realtime.js'
import type { Route } from './route.js'
import { userRoutes } from './users.js'

/** Every route of the HTTP API. */
export function allRoutes(context: RouteContext): Route[] {
  return [
    ...meRoutes(context),
    ...userRoutes(context),
    ...exportRoutes(context),
    ...globalRoutes(context),
    ...modelRoutes(context),
    ...realtimeRoutes(context),
    ...logRoutes(context),
    ...priceRoutes(context),
    ...planRoutes(context),
    ...budgetRoutes(context),
    ...auditRoutes(context),
    ...eventRoutes(context),
    ...machineRoutes(context),
    ...metricsRoutes(context),
    { method: 'get', path: '/docs', handlers: [docsPage] },
  ]
}

/** One flat router: our own requests are no operations, then the routes, then 405, 404, problems. */
export function createRouter(context: RouteContext, logger: Logger): Router {
  const router = Router()
  const routes = allRoutes(context)
  router.use(context.discard(new Set(routes.map(({ path }) => path.split('/')[1] ?? ''))))
  router.use(usageNoSniff)
  for (const { method, path, handlers } of routes) router[method](path, ...handlers)
  for (const [path, methods] of methodsByPath(routes)) router.all(path, refuseMethod(methods))
  router.use('/docs', docsFiles)
  router.use((_req, res) => sendProblem(res, new UsageError('not_found', 'There is no such route')))
  router.use(createProblemHandler(logger))
  return router
}

/** What names of users and models stand in an answer is never looked at as a page. */
const usageNoSniff: RequestHandler = (_req, res, next) => {
  res.set('X-Content-Type-Options', 'nosniff')
  next()
}

function methodsByPath(routes: readonly Route[]): Map<string, string[]> {
  const byPath = new Map<string, string[]>()
  for (const { method, path } of routes) {
    const names = method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]
    byPath.set(path, [...(byPath.get(path) ?? []), ...names])
  }
  return byPath
}

function refuseMethod(methods: readonly string[]): RequestHandler {
  return function usageMethodNotAllowed(_req, res) {
    res.set('Allow', methods.join(', '))
    sendProblem(res, new UsageError('method_not_allowed', `Allowed here: ${methods.join(', ')}`))
  }
}
