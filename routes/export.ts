import { once } from 'node:events'
import type { Request, Response } from 'express'
import { callerOf } from '../middleware/authenticate.js'
import type { Fact } from '../src/export/facts.js'
import type { AskedUser, RouteContext } from './context.js'
import { eventJson, ownEventJson } from './json.js'
import { parseQuery } from './query.js'
import { handle, type Route } from './route.js'
import { userIdOf } from './user-id.js'

type Shown = (fact: Fact) => unknown

/** Everything that is stored of a person, for themselves and for admins. */
export function exportRoutes(context: RouteContext): Route[] {
  const own = handle(async (req, res) => {
    parseQuery(req, {})
    const { user_id, tier, org_id } = callerOf(req)
    const asked = { user_id, tier: tier ?? null, ...(org_id !== undefined && { org_id }) }
    await send(context, asked, req, res, (fact) => ownFact(fact, context.exposeCostToUsers))
  })
  const one = handle(async (req, res) => {
    parseQuery(req, {})
    await send(context, { user_id: userIdOf(req) }, req, res, factJson)
  })
  return [
    { method: 'get', path: '/me/export', handlers: [context.guard('user'), own] },
    { method: 'get', path: '/users/:user_id/export', handlers: [context.guard('admin'), one] },
  ]
}

/** Line by line, no faster than the client takes them, and no longer than it stays. */
async function send(
  context: RouteContext,
  asked: AskedUser,
  req: Request,
  res: Response,
  show: Shown,
): Promise<void> {
  const facts = await context.facts(asked)
  res.set({
    'Content-Type': 'application/x-ndjson',
    'Content-Disposition': 'attachment; filename="usage.ndjson"',
    'Cache-Control': 'no-store',
  })
  if (req.method === 'HEAD') {
    res.end()
    return
  }
  const left = new AbortController()
  res.once('close', () => left.abort())
  for await (const batch of facts) {
    if (left.signal.aborted || res.destroyed) return
    const lines = batch.map((fact) => `${JSON.stringify(show(fact))}\n`)
    if (res.write(lines.join(''))) continue
    const drained = once(res, 'drain', { signal: left.signal })
    await drained.catch(() => undefined)
  }
  res.end()
}

function factJson(fact: Fact): unknown {
  return isLog(fact) ? { type: 'log', log: eventJson(fact.log) } : fact
}

function ownFact(fact: Fact, exposeCost: boolean): unknown {
  if (isLog(fact)) return { type: 'log', log: ownEventJson(fact.log, exposeCost) }
  if (fact.type !== 'day' || exposeCost) return fact
  const { cost_usd: _, ...day } = fact.day as Record<string, unknown>
  return { type: 'day', day }
}

function isLog(fact: Fact): fact is Extract<Fact, { type: 'log' }> {
  return fact.type === 'log'
}
