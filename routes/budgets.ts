import type { Request } from 'express'
import * as z from 'zod'
import { callerOf } from '../middleware/authenticate.js'
import { UsageError } from '../src/errors.js'
import type { BudgetState } from '../src/insight/budget-state.js'
import type { BudgetDoc, BudgetFilter } from '../src/store/budget-store.js'
import type { RouteContext } from './context.js'
import { sendJson } from './json.js'
import { jsonBody } from './json-body.js'
import { decodeCursor, encodeCursor, fields, page, parseQuery } from './query.js'
import { handle, type Route } from './route.js'

const position = z.tuple([z.literal('budget'), z.string().max(300)])

/** Money budgets of users, organisations and all together, for admins. */
export function budgetRoutes(context: RouteContext): Route[] {
  const guard = context.guard('admin')
  const json = jsonBody(64 * 1024)
  const { budgets } = context
  const list = listHandler(context)
  const one = handle(async (req, res) => {
    parseQuery(req, {})
    sendJson(res, budgetJson(await budgets.find(idOf(req))))
  })
  const create = handle(async (req, res) => {
    parseQuery(req, {})
    const body: unknown = req.body
    sendJson(res, budgetJson(await budgets.create(body, callerOf(req).user_id)), 201)
  })
  const change = handle(async (req, res) => {
    parseQuery(req, {})
    const body: unknown = req.body
    sendJson(res, budgetJson(await budgets.change(idOf(req), body, callerOf(req).user_id)))
  })
  const remove = handle(async (req, res) => {
    parseQuery(req, {})
    sendJson(res, budgetJson(await budgets.remove(idOf(req), callerOf(req).user_id)))
  })
  return [
    { method: 'get', path: '/budgets', handlers: [guard, list] },
    { method: 'post', path: '/budgets', handlers: [guard, json, create] },
    { method: 'get', path: '/budgets/:budget_id', handlers: [guard, one] },
    { method: 'patch', path: '/budgets/:budget_id', handlers: [guard, json, change] },
    { method: 'delete', path: '/budgets/:budget_id', handlers: [guard, remove] },
  ]
}

function listHandler({ budgets }: RouteContext) {
  return handle(async (req, res) => {
    const query = parseQuery(req, {
      ...{ limit: fields.limit, cursor: fields.cursor },
      ...{ scope: fields.scope, user_id: fields.id, org_id: fields.id },
    })
    const { cursor, limit } = query
    const after = cursor === undefined ? undefined : decodeCursor(cursor, position)[1]
    const found = await budgets.page(filterOf(query), after, limit + 1)
    sendJson(
      res,
      page(found, limit, budgetJson, ({ budget }) => encodeCursor(['budget', budget._id])),
    )
  })
}

interface Asked {
  readonly scope?: BudgetDoc['scope'] | undefined
  readonly user_id?: string | undefined
  readonly org_id?: string | undefined
}

function filterOf({ scope, user_id, org_id }: Asked): BudgetFilter {
  if (user_id !== undefined && org_id !== undefined) {
    const detail = 'user_id and org_id cannot be given together'
    throw new UsageError('invalid_parameter', detail, { details: { parameter: 'org_id' } })
  }
  const named = user_id === undefined ? 'org' : 'user'
  if ((user_id ?? org_id) !== undefined && scope !== undefined && scope !== named) {
    const detail = `scope ${scope} has no ${named}_id`
    throw new UsageError('invalid_parameter', detail, { details: { parameter: 'scope' } })
  }
  if (user_id !== undefined) return { scope: 'user', subject_id: user_id }
  if (org_id !== undefined) return { scope: 'org', subject_id: org_id }
  return scope === undefined ? {} : { scope }
}

function idOf(req: Request): string {
  return String(req.params.budget_id)
}

/** A budget as the API shows it. */
function budgetJson({ budget, state }: { budget: BudgetDoc; state: BudgetState }) {
  const { _id, scope, subject_id, deleted: _, revision: __, ...rest } = budget
  return {
    ...{ budget_id: _id, scope },
    ...(scope === 'user' && { user_id: subject_id }),
    ...(scope === 'org' && { org_id: subject_id }),
    ...rest,
    state,
  }
}
