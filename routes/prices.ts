import type { Request } from 'express'
import * as z from 'zod'
import { callerOf } from '../middleware/authenticate.js'
import { UsageError } from '../src/errors.js'
import { toShown } from '../src/pricing/price-fields.js'
import type { StoredPrice } from '../src/store/price-store.js'
import type { RouteContext } from './context.js'
import { sendJson } from './json.js'
import { jsonBody } from './json-body.js'
import { decodeCursor, encodeCursor, fields, page, parseQuery } from './query.js'
import { handle, type Route } from './route.js'

const id = z.uuid()

/** The host's own prices, by period, for admins. */
export function priceRoutes(context: RouteContext): Route[] {
  const guard = context.guard('admin')
  const json = jsonBody(64 * 1024)
  const list = listHandler(context)
  const create = handle(async (req, res) => {
    parseQuery(req, {})
    const price = await context.prices.create(bodyOf(req), callerOf(req).user_id)
    sendJson(res, priceJson(price), 201)
  })
  const change = handle(async (req, res) => {
    parseQuery(req, {})
    const price = await context.prices.change(idOf(req), bodyOf(req), callerOf(req).user_id)
    sendJson(res, priceJson(price))
  })
  const remove = handle(async (req, res) => {
    parseQuery(req, {})
    sendJson(res, priceJson(await context.prices.remove(idOf(req), callerOf(req).user_id)))
  })
  return [
    { method: 'get', path: '/prices', handlers: [guard, list] },
    { method: 'post', path: '/prices', handlers: [guard, json, create] },
    { method: 'patch', path: '/prices/:price_id', handlers: [guard, json, change] },
    { method: 'delete', path: '/prices/:price_id', handlers: [guard, remove] },
  ]
}

function listHandler(context: RouteContext) {
  return handle(async (req, res) => {
    const query = parseQuery(req, {
      ...{ limit: fields.limit, cursor: fields.cursor },
      ...{ model: fields.text, provider: fields.text },
    })
    const { model, provider, cursor, limit } = query
    const filter = {
      ...(model !== undefined && { model }),
      ...(provider !== undefined && { provider }),
    }
    const after = cursor === undefined ? undefined : decodeCursor(cursor, z.tuple([id]))[0]
    const prices = await context.prices.page(filter, after, limit + 1)
    sendJson(
      res,
      page(prices, limit, priceJson, (price) => encodeCursor([price.id])),
    )
  })
}

function bodyOf(req: Request): unknown {
  return req.body
}

/** What cannot be an id is the id of no price. */
function idOf(req: Request): string {
  const parsed = id.safeParse(req.params.price_id)
  if (!parsed.success) throw new UsageError('not_found', 'There is no such price')
  return parsed.data
}

/** A price as the API shows it: in dollars, as it was given. */
function priceJson({ id: price_id, revision: _, ...price }: StoredPrice): Record<string, unknown> {
  const shown = Object.entries(price).map(toShown)
  return { price_id, ...(Object.fromEntries(shown) as Record<string, unknown>) }
}
