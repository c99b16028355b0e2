import * as z from 'zod'
import type { AuditDoc } from '../src/store/audit-store.js'
import type { RouteContext } from './context.js'
import { sendJson } from './json.js'
import { cursorInstant, decodeCursor, encodeCursor, fields, page, parseQuery } from './query.js'
import { handle, type Route } from './route.js'

const position = z.tuple([cursorInstant, z.uuid()])

const filters = {
  actor: fields.id,
  action: fields.text,
  resource: fields.text,
  resource_id: fields.id,
}

/** Who changed what, for admins. */
export function auditRoutes(context: RouteContext): Route[] {
  const list = handle(async (req, res) => {
    const { limit, cursor, ...given } = parseQuery(req, {
      ...{ limit: fields.limit, cursor: fields.cursor },
      ...filters,
    })
    const filter = Object.fromEntries(
      Object.entries(given).filter(([, value]) => value !== undefined),
    )
    const after = cursor === undefined ? undefined : decodeCursor(cursor, position)
    const entries = await context.audit(
      filter,
      after && { at: new Date(after[0]), id: after[1] },
      limit + 1,
    )
    sendJson(
      res,
      page(entries, limit, entryJson, ({ at, _id }) => encodeCursor([at.getTime(), _id])),
    )
  })
  return [{ method: 'get', path: '/audit', handlers: [context.guard('admin'), list] }]
}

function entryJson({ _id: audit_id, before, after, ...entry }: AuditDoc) {
  return { audit_id, ...entry, before: before ?? null, after: after ?? null }
}
