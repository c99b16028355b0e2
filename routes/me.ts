import type { Request } from 'express'
import { callerOf } from '../middleware/authenticate.js'
import type { AskedUser, RouteContext } from './context.js'
import { ownEventJson, sendJson } from './json.js'
import { logFilterOf, logPage, logPageFields } from './logs.js'
import { fields, parseQuery, spanFields, spanOf } from './query.js'
import { handle, type Route } from './route.js'

/** What callers may ask about themselves. */
export function meRoutes(context: RouteContext): Route[] {
  const guard = context.guard('user')
  const usage = handle(async (req, res) => {
    const { span, timezone } = spanOf(parseQuery(req, spanFields), context.now(), context.timezone)
    const answer = await context.userUsage(asked(req), span, timezone)
    const { total_cost_usd, unpriced_operations, ...shown } = answer
    sendJson(
      res,
      context.exposeCostToUsers ? { ...shown, total_cost_usd, unpriced_operations } : shown,
    )
  })
  const logs = handle(async (req, res) => {
    const query = parseQuery(req, logPageFields)
    const filter = { ...logFilterOf(query, context.timezone), user_id: callerOf(req).user_id }
    sendJson(
      res,
      await logPage(context, filter, query, (event) =>
        ownEventJson(event, context.exposeCostToUsers),
      ),
    )
  })
  const quota = handle(async (req, res) => {
    parseQuery(req, {})
    sendJson(res, await context.quota(asked(req)))
  })
  return [
    { method: 'get', path: '/me', handlers: [guard, usage] },
    { method: 'get', path: '/me/quota', handlers: [guard, quota] },
    { method: 'get', path: '/me/estimate', handlers: [guard, estimateHandler(context)] },
    { method: 'get', path: '/me/logs', handlers: [guard, logs] },
  ]
}

function estimateHandler(context: RouteContext) {
  return handle(async (req, res) => {
    const { operation_type, model } = parseQuery(req, {
      operation_type: fields.text,
      model: fields.text,
    })
    const kind = {
      ...(operation_type !== undefined && { operation_type }),
      ...(model !== undefined && { model }),
    }
    sendJson(res, await context.estimate(asked(req), kind))
  })
}

function asked(req: Request): AskedUser {
  const { user_id, tier, org_id } = callerOf(req)
  return { user_id, tier: tier ?? null, ...(org_id !== undefined && { org_id }) }
}
