import { AsyncResource } from 'node:async_hooks'
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import type { Clock } from '../src/clock.js'
import { UsageError } from '../src/errors.js'
import { Line, type Ticket } from '../src/limits/line.js'
import { parsePrioritizeOptions, type PrioritizeOptions } from '../src/limits/prioritize-options.js'
import type { Standing } from '../src/limits/turns.js'
import { faultOf } from '../src/fault.js'
import type { Logger } from '../src/logger.js'
import type { MaybePromise } from '../src/maybe-promise.js'
import type { Meter } from '../src/meter.js'
import { holdBody } from './hold-body.js'
import { onceOver } from './once-over.js'
import { sendProblem } from './problem.js'
import { setHeader } from './set-header.js'

export interface PrioritizeContext {
  readonly meter: Meter
  readonly clock: Clock
  readonly logger: Logger
  /** Asked only of those that have to wait. */
  readonly standingOf: (req: Request) => MaybePromise<Standing>
}

/** Where one stands of whom nothing is known, or nothing yet. */
const unknown: Standing = { user: '', priority: 0 }

/**
 * The middleware that lets so many AI requests through at once and has the others wait.
 * @throws UsageError `invalid_option`
 */
export function createPrioritize(
  context: PrioritizeContext,
  options: PrioritizeOptions,
): RequestHandler {
  const { meter, clock } = context
  const line = new Line({ ...parsePrioritizeOptions(options), clock })
  const wait = createWait(context, line)
  // Mounted twice, a request would wait for itself.
  const known = new Set<Request>()
  return function usagePrioritize(req, res, next) {
    if (known.has(req) || res.writableEnded || !isCounted(meter, req, usagePrioritize)) {
      next()
      return
    }
    // Its client has left: nobody waits for the answer.
    if (req.socket.destroyed) return
    let ticket: Ticket | undefined
    if (!line.enter()) {
      ticket = wait(req, res, next)
      if (ticket === undefined) return
    }
    known.add(req)
    onceOver(req, res, () => {
      known.delete(req)
      if (ticket === undefined) line.release()
      else if (line.finish(ticket)) meter.waited(req, clock.elapsed() - ticket.since, false)
    })
    if (ticket !== undefined) return
    meter.waited(req, 0, true)
    next()
  }
}

/** Puts a request in line; undefined when it was refused at once. */
function createWait({ meter, logger, standingOf }: PrioritizeContext, line: Line) {
  let reported = false
  const report = (error: unknown) => {
    if (!reported) logger.error(`usage: prioritize could not tell a priority: ${faultOf(error)}`)
    reported = true
    return unknown
  }
  const ask = (req: Request) => {
    try {
      const standing = standingOf(req)
      return standing instanceof Promise ? standing.catch(report) : standing
    } catch (error) {
      return report(error)
    }
  }
  return (req: Request, res: Response, next: NextFunction): Ticket | undefined => {
    // It starts in the turn of another request, whose async context is not its own.
    const scope = new AsyncResource('usagePrioritize')
    const letGo = holdBody(req)
    const refuse = (waitedMs: number) => {
      letGo?.()
      const retryAfter = Math.max(1, Math.ceil(Math.max(waitedMs, line.delayMs) / 1000))
      meter.waited(req, waitedMs, false)
      sendOverloaded(res, retryAfter)
    }
    const standing = ask(req)
    const ticket = line.join(standing instanceof Promise ? unknown : standing, {
      start: (waitedMs) => {
        meter.waited(req, waitedMs, true)
        letGo?.()
        scope.runInAsyncScope(next)
      },
      refuse: (waitedMs) => scope.runInAsyncScope(refuse, undefined, waitedMs),
    })
    if (ticket === undefined) refuse(0)
    else if (standing instanceof Promise) void standing.then((found) => line.move(ticket, found))
    return ticket
  }
}

function sendOverloaded(res: Response, retryAfterSeconds: number): void {
  setHeader(res, 'Retry-After', String(retryAfterSeconds))
  sendProblem(res, new UsageError('overloaded', 'Too many requests are being worked on; try later'))
}

/** On a route of its own everything is, elsewhere what is an AI operation or tracked as one. */
function isCounted(meter: Meter, req: Request, self: RequestHandler): boolean {
  return (
    meter.captureOf(req) !== undefined ||
    meter.match(req.method, req.originalUrl) !== undefined ||
    (req.url !== req.originalUrl && meter.match(req.method, req.url) !== undefined) ||
    isOnRoute(req.route, self)
  )
}

/** `req.route` also names a route that the request has passed before. */
function isOnRoute(route: unknown, self: RequestHandler): boolean {
  if (typeof route !== 'object' || route === null) return false
  const stack: unknown = Reflect.get(route, 'stack')
  return (
    Array.isArray(stack) &&
    stack.some((layer: unknown) => Reflect.get(Object(layer), 'handle') === self)
  )
}
