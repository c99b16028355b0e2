import { clearInterval, setInterval } from 'node:timers'
import type { Request, Response } from 'express'
import type { Realtime } from '../src/insight/realtime.js'
import type { RouteContext } from './context.js'
import { eventJson, sendJson } from './json.js'
import { parseQuery } from './query.js'
import { handle, type Route } from './route.js'

/** A stream says something at least this often, ms. */
const everyMs = 5_000

/** A reader that has this much unread is not sent more, bytes. */
const maxUnreadBytes = 1024 * 1024

/** The last hour, once or as a stream, for admins. */
export function realtimeRoutes(context: RouteContext): Route[] {
  const guard = context.guard('admin')
  const once = handle(async (req, res) => {
    parseQuery(req, {})
    sendJson(res, realtimeJson(await context.realtime()))
  })
  const stream = handle(async (req, res) => {
    parseQuery(req, {})
    startStream(context, req, res, await context.realtime())
  })
  return [
    { method: 'get', path: '/realtime', handlers: [guard, once] },
    { method: 'get', path: '/realtime/stream', handlers: [guard, stream] },
  ]
}

function realtimeJson(realtime: Realtime) {
  return { ...realtime, recent_operations: realtime.recent_operations.map(eventJson) }
}

/** Server-Sent Events named `realtime`, now, on activity, and every five seconds, while the token lasts. */
function startStream(context: RouteContext, req: Request, res: Response, first: Realtime): void {
  res.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store, no-transform',
    'X-Accel-Buffering': 'no',
  })
  let id = 0
  let told: Realtime | undefined
  const isOver = () => res.writableEnded || res.destroyed
  const send = (realtime: Realtime) => {
    if (isOver() || res.writableLength > maxUnreadBytes) return
    told = realtime
    res.write(`id: ${++id}\nevent: realtime\ndata: ${JSON.stringify(realtimeJson(realtime))}\n\n`)
  }
  const sorry = () => {
    if (!isOver()) res.write(': the database is away\n\n')
  }
  const look = async (onlyNews: boolean) => {
    if (!context.isOpen() || !(await context.isStillAdmin(req))) {
      res.end()
      return
    }
    const found = await context.realtime()
    if (found !== told || !onlyNews) send(found)
  }
  const tick = (onlyNews: boolean) => void look(onlyNews).catch(sorry)
  send(first)
  if (req.method === 'HEAD') res.end()
  // A client that has left while it was looked up says so no more.
  if (isOver()) return
  const timer = setInterval(tick, everyMs, false)
  timer.unref()
  const silence = context.onActivity(() => tick(true))
  res.once('close', () => {
    clearInterval(timer)
    silence()
  })
}
