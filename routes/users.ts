import type { Request, Response } from 'express'
import * as z from 'zod'
import { callerOf } from '../middleware/authenticate.js'
import type { AccountSettings, AccountSort } from '../src/store/account-store.js'
import type { RouteContext } from './context.js'
import { sendJson } from './json.js'
import { jsonBody } from './json-body.js'
import {
  cursorInstant,
  decodeCursor,
  encodeCursor,
  fields,
  page,
  parseQuery,
  spanFields,
  spanOf,
} from './query.js'
import { handle, type Route } from './route.js'
import { userIdOf } from './user-id.js'

const sorts = ['last_active', 'total_tokens', 'total_operations', 'total_cost', 'user_id'] as const

const listFields = {
  limit: fields.limit,
  cursor: fields.cursor,
  tier: fields.id,
  q: fields.id,
  blocked: fields.flag,
  sort: z
    .enum(
      sorts.flatMap((sort) => [sort, `-${sort}`]),
      `must be one of ${sorts.join(', ')}, with - before it for descending`,
    )
    .default('-last_active'),
}

const id = z.string().max(512)
const count = z.int().min(0)
/** Nano-dollars may be more than what is a safe integer. */
const cost = z.number().min(0)

/** Where a page ended, by what it is sorted by. */
const positions = {
  last_active: z.tuple([cursorInstant, id]),
  total_tokens: z.tuple([count, id]),
  total_operations: z.tuple([count, id]),
  total_cost: z.tuple([cost, id]),
  user_id: z.tuple([z.literal(''), id]),
} as const satisfies Record<AccountSort, z.ZodType>

/** Other people's usage, for admins. */
export function userRoutes(context: RouteContext): Route[] {
  const guard = context.guard('admin')
  const one = handle((req, res) => showUser(context, req, res))
  const list = handle((req, res) => listUsers(context, req, res))
  const json = jsonBody(64 * 1024)
  const change = handle(async (req, res) => {
    parseQuery(req, {})
    const user_id = userIdOf(req)
    const body: unknown = req.body
    sendJson(
      res,
      accountJson(user_id, await context.accounts.change(user_id, body, callerOf(req).user_id)),
    )
  })
  const erase = handle(async (req, res) => {
    parseQuery(req, {})
    const erased = await context.erase(userIdOf(req), callerOf(req).user_id)
    const { pseudonym: user_id, operations, status } = erased
    sendJson(res, { user_id, operations, status }, status === 'erased' ? 200 : 202)
  })
  return [
    { method: 'get', path: '/user/:user_id', handlers: [guard, one] },
    { method: 'get', path: '/users', handlers: [guard, list] },
    { method: 'patch', path: '/users/:user_id', handlers: [guard, json, change] },
    { method: 'delete', path: '/users/:user_id', handlers: [guard, erase] },
  ]
}

async function showUser(context: RouteContext, req: Request, res: Response): Promise<void> {
  const { span, timezone } = spanOf(parseQuery(req, spanFields), context.now(), context.timezone)
  const user_id = userIdOf(req)
  const [usage, { limits }] = await Promise.all([
    context.userUsage({ user_id }, span, timezone),
    context.quota({ user_id }),
  ])
  sendJson(res, { ...usage, quota: limits })
}

/** What is set for an account; null: as the plan and the token say. */
function accountJson(user_id: string, settings: AccountSettings) {
  const { tier, overrides, blocked, org_id, timezone, ...stamps } = settings
  const { revision, updated_at, updated_by } = stamps
  return {
    ...{ user_id, tier: tier ?? null, blocked: blocked ?? null },
    ...{ org_id: org_id ?? null, timezone: timezone ?? null },
    overrides: (overrides ?? []).map((one) => ({ ...one, until: one.until ?? null })),
    ...{ revision, updated_at, updated_by },
  }
}

async function listUsers(context: RouteContext, req: Request, res: Response): Promise<void> {
  const query = parseQuery(req, listFields)
  const ascending = !query.sort.startsWith('-')
  const sort = query.sort.replace('-', '') as AccountSort
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, positions[sort])
  const { rows, accounts } = await context.users({
    sort,
    ascending,
    ...(query.tier !== undefined && { tier: query.tier }),
    ...(query.blocked !== undefined && { blocked: query.blocked }),
    ...(query.q !== undefined && { prefix: query.q }),
    ...(after && { after: { value: positionValue(sort, after[0]), id: after[1] } }),
    limit: query.limit + 1,
  })
  const cursors = new Map(
    accounts.map((account) => [
      account._id,
      cursorOf(sort === 'user_id' ? '' : context.sortValue(account, sort), account._id),
    ]),
  )
  const shown = page(
    rows,
    query.limit,
    (row) => row,
    (row) => cursors.get(row.user_id) ?? '',
  )
  sendJson(res, shown)
}

function cursorOf(value: number | string | Date, id: string): string {
  return encodeCursor([value instanceof Date ? value.getTime() : value, id])
}

function positionValue(sort: AccountSort, value: number | string): number | string | Date {
  return sort === 'last_active' ? new Date(Number(value)) : value
}
