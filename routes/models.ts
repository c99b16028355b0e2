import * as z from 'zod'
import type { RouteContext } from './context.js'
import { sendJson } from './json.js'
import { parseQuery, spanFields, spanOf } from './query.js'
import { handle, type Route } from './route.js'

const maxCompared = 20
const rule = `must be 1 to ${maxCompared} models, with commas between`

/** Models to compare with: names as operations have them. */
const compare = z
  .string()
  .max(2048, 'must have at most 2048 characters')
  .regex(/^[^\p{C}]+$/u, rule)
  .transform((text) => [...new Set(text.split(',').map((model) => model.trim()))])
  .refine(
    (models) =>
      models.length <= maxCompared &&
      models.every((model) => model.length > 0 && model.length <= 256),
    rule,
  )
  .optional()

/** The models side by side, for admins. */
export function modelRoutes(context: RouteContext): Route[] {
  const models = handle(async (req, res) => {
    const query = parseQuery(req, { ...spanFields, compare })
    const { span, timezone } = spanOf(query, context.now(), context.timezone)
    sendJson(res, await context.modelsUsage({ span, timezone, compare: query.compare ?? [] }))
  })
  return [{ method: 'get', path: '/models', handlers: [context.guard('admin'), models] }]
}
