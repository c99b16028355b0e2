import type { Request } from 'express'
import * as z from 'zod'
import { callerOf } from '../middleware/authenticate.js'
import { usdOf } from '../src/event.js'
import { isBudgetName, termsOf } from '../src/limits/budget-terms.js'
import type { Plan } from '../src/limits/plan.js'
import type { PlanDoc } from '../src/store/plan-store.js'
import type { RouteContext } from './context.js'
import { sendJson } from './json.js'
import { jsonBody } from './json-body.js'
import { decodeCursor, encodeCursor, fields, page, parseQuery } from './query.js'
import { handle, type Route } from './route.js'

const position = z.tuple([z.literal('tier'), z.string().max(64)])

/** What each tier may use, for admins. */
export function planRoutes(context: RouteContext): Route[] {
  const guard = context.guard('admin')
  const json = jsonBody(64 * 1024)
  const list = handle(async (req, res) => {
    const { limit, cursor } = parseQuery(req, { limit: fields.limit, cursor: fields.cursor })
    const [, after] = cursor === undefined ? ['tier', ''] : decodeCursor(cursor, position)
    const plans = (await context.plans.list()).filter(({ plan }) => plan.tier > after)
    sendJson(
      res,
      page(plans, limit, planJson, ({ plan }) => encodeCursor(['tier', plan.tier])),
    )
  })
  const change = handle(async (req, res) => {
    parseQuery(req, {})
    const tier = tierOf(req)
    const body: unknown = req.body
    await context.plans.change(tier, body, callerOf(req).user_id)
    sendJson(res, await shown(context, tier))
  })
  const remove = handle(async (req, res) => {
    parseQuery(req, {})
    const tier = tierOf(req)
    await context.plans.remove(tier, callerOf(req).user_id)
    sendJson(res, { tier, plan: await shown(context, tier) })
  })
  return [
    { method: 'get', path: '/plans', handlers: [guard, list] },
    { method: 'patch', path: '/plans/:tier', handlers: [guard, json, change] },
    { method: 'delete', path: '/plans/:tier', handlers: [guard, remove] },
  ]
}

function tierOf(req: Request): string {
  return String(req.params.tier)
}

/** The plan as it is now; null where there is none any more. */
async function shown(context: RouteContext, tier: string) {
  const found = (await context.plans.list()).find(({ plan }) => plan.tier === tier)
  return found ? planJson(found) : null
}

/** A plan as the API shows it: cost in dollars, as it can be written again. */
function planJson({ plan, doc }: { plan: Plan; doc: PlanDoc | undefined }) {
  const { tier, priority, concurrency, onStoreError } = plan
  const budget = plan.limits.find(({ name }) => isBudgetName(name))
  return {
    tier,
    limits: plan.limits
      .filter(({ name }) => !isBudgetName(name))
      .map((one) => (one.metric === 'cost' ? { ...one, limit: usdOf(one.limit) } : one)),
    budget: budget ? termsOf(budget) : null,
    ...{ priority, concurrency, on_store_error: onStoreError },
    changed: doc ? { revision: doc.revision, at: doc.updated_at, by: doc.updated_by } : null,
  }
}
