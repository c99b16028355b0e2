import type { NextFunction, Request, RequestHandler, Response } from 'express'
import type { Capture } from '../src/capture/capture.js'
import type { Meter } from '../src/meter.js'
import { UsageError } from '../src/errors.js'
import type { OperationOptions } from '../src/capture/operations.js'
import { subjectOf as subjectOfCaller } from '../src/identity/subject.js'
import type { Verdict } from '../src/identity/verifier.js'
import type { Subject } from '../src/capture/capture.js'
import type { Admission } from '../src/limits/limiter.js'
import type { FindCaller } from './callers.js'
import { heldToPlan } from './limit.js'
import { sendProblem } from './problem.js'

/** What `track` may be told: that everything it sees is one operation, whatever the path. */
export type TrackOptions = Omit<OperationOptions, 'path' | 'methods'>

interface TrackContext {
  readonly meter: Meter
  readonly find: FindCaller
  readonly anonymous: 'track' | 'refuse'
  /** Asks the plan of the caller; undefined when nobody has to be asked. Never rejects. */
  readonly ask: (capture: Capture, subject: Subject | undefined) => Promise<Admission> | undefined
  readonly now: () => number
  /** Hands a request on in such a way that what its handler calls is known to be its own. */
  readonly enter: (capture: Capture, next: () => void) => void
}

/** The metering middleware. */
export function createTrack(context: TrackContext, options?: TrackOptions): RequestHandler {
  const { meter } = context
  return function usageTrack(req, res, pass) {
    const operation = options
      ? meter.operationOf(options, () => routeOf(req))
      : (meter.match(req.method, req.originalUrl) ??
        (req.url === req.originalUrl ? undefined : meter.match(req.method, req.url)))
    const capture = operation && meter.begin(req, res, operation)
    if (capture === undefined) {
      pass()
      return
    }
    const next: NextFunction = (error?: unknown) => {
      if (error === undefined) context.enter(capture, pass)
      else pass(error)
    }
    const verdict = context.find(req)
    if (!(verdict instanceof Promise)) {
      decide(context, capture, verdict, res, next)
      return
    }
    capture.pendingSubject = verdict.then(subjectOf, () => undefined)
    verdict.then((found) => decide(context, capture, found, res, next)).catch(next)
  }
}

/** Lets a request go on, refuses it, or asks first. */
function decide(
  context: TrackContext,
  capture: Capture,
  verdict: Verdict,
  res: Response,
  next: NextFunction,
): void {
  capture.subject = subjectOf(verdict)
  if (context.anonymous === 'refuse' && !verdict.ok) {
    refuseStranger(verdict.description, res)
    return
  }
  const asked = context.ask(capture, capture.subject)
  if (asked === undefined) {
    next()
    return
  }
  heldToPlan(capture, res, asked, context.now)
    .then((mayGoOn) => {
      if (mayGoOn) next()
    })
    .catch(next)
}

function refuseStranger(description: string, res: Response): void {
  res.set('WWW-Authenticate', 'Bearer realm="usage"')
  sendProblem(res, new UsageError('unauthorized', description))
}

function subjectOf(verdict: Verdict) {
  return verdict.ok ? subjectOfCaller(verdict.caller) : undefined
}

/** The pattern of the route that `track` sits on, never the raw URL. */
function routeOf(req: Request): string {
  const route: unknown = req.route
  const path =
    typeof route === 'object' && route !== null && 'path' in route ? String(route.path) : '/*'
  return `${req.baseUrl}${path}`
}
