import type { Response } from 'express'
import type { ModelShare, UsageEvent } from '../src/event.js'
import { usdOf } from '../src/event.js'

/** Answers with private JSON, always whole: what must not be stored is not to be compared either. */
export function sendJson(res: Response, body: unknown, status = 200): void {
  const text = JSON.stringify(body)
  res.set({
    'Cache-Control': 'no-store',
    'Content-Length': String(Buffer.byteLength(text)),
    'Content-Type': 'application/json; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
  })
  res.status(status).end(text)
}

/** An event as the API shows it: `_id` is the request id, money also in dollars, no internals. */
export function eventJson(event: UsageEvent): Record<string, unknown> {
  const { _id, content_hash: _, late: __, price_revision: ___, ...shown } = event
  const { cost_nano_usd } = event
  return {
    request_id: _id,
    ...shown,
    cost_usd: cost_nano_usd === null ? null : usdOf(cost_nano_usd),
  }
}

/** The same for the user it belongs to, without cost where users do not see it. */
export function ownEventJson(event: UsageEvent, exposeCost: boolean): Record<string, unknown> {
  if (exposeCost) return eventJson(event)
  const { cost_nano_usd: _, cost_usd: __, cost_source: ___, ...shown } = eventJson(event)
  const models = event.models?.map(withoutCost)
  return models === undefined ? shown : { ...shown, models }
}

function withoutCost({ cost_nano_usd: _, cost_source: __, ...share }: ModelShare) {
  return share
}
