import type { Request, RequestHandler, Response } from 'express'
import type { Capture, Operation, Subject } from '../src/capture/capture.js'
import { faultOf } from '../src/fault.js'
import { mountOf } from '../src/capture/mount-of.js'
import type { Meter } from '../src/meter.js'
import { UsageError } from '../src/errors.js'
import type { OperationOptions } from '../src/capture/operations.js'
import { subjectOf as subjectOfCaller } from '../src/identity/subject.js'
import type { Verdict } from '../src/identity/verifier.js'
import type { Admission } from '../src/limits/limiter.js'
import type { FindCaller } from './callers.js'
import { holdBody } from './hold-body.js'
import { heldToPlan } from './limit.js'
import { sendProblem } from './problem.js'
import { setHeader } from './set-header.js'

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
    const capture = begin(meter, req, res, options)
    if (capture === undefined) {
      pass()
      return
    }
    const letGo = holdBody(req)
    const goOn =
      letGo &&
      (() => {
        letGo()
        pass()
      })
    const next: Going = (error?: unknown) => {
      if (error === undefined) context.enter(capture, goOn ?? pass)
      else {
        letGo?.()
        pass(error)
      }
    }
    const verdict = context.find(req)
    if (!(verdict instanceof Promise)) {
      decide(context, capture, verdict, res, { next, letGo })
      return
    }
    capture.pendingSubject = verdict.then(subjectOf, () => undefined)
    verdict.then((found) => decide(context, capture, found, res, { next, letGo })).catch(next)
  }
}

/** Nothing of ours may fail the host's request: what cannot be watched goes on unwatched. */
function begin(
  meter: Meter,
  req: Request,
  res: Response,
  options: TrackOptions | undefined,
): Capture | undefined {
  // A WebSocket's: libraries hand it to Express with a response that is none, and cannot wait.
  if (Reflect.get(req, 'upgrade') === true) return undefined
  try {
    const operation = options ? toldOperation(meter, req, options) : foundOperation(meter, req)
    return operation && meter.begin(req, res, operation)
  } catch (error) {
    meter.mistake(`watching a request failed: ${faultOf(error)}`)
    return undefined
  }
}

function toldOperation(meter: Meter, req: Request, options: TrackOptions): Operation | undefined {
  // A browser's question, without credentials, whether it may send the request itself.
  if (req.method === 'OPTIONS' || meter.isOwn(req.originalUrl)) return undefined
  return meter.operationOf(options, () => routeOf(req))
}

function foundOperation(meter: Meter, { method, url, originalUrl }: Request) {
  const found = meter.match(method, originalUrl)
  return found ?? (url === originalUrl ? undefined : meter.match(method, url))
}

type Going = (error?: unknown) => void

/** The ways on: to the handler, or, for a request that has been answered, for what is left of its body. */
interface Ways {
  readonly next: Going
  readonly letGo: (() => void) | undefined
}

/** Lets a request go on, refuses it, or asks first. */
function decide(
  context: TrackContext,
  capture: Capture,
  verdict: Verdict,
  res: Response,
  { next, letGo }: Ways,
): void {
  capture.subject = subjectOf(verdict)
  if (context.anonymous === 'refuse' && !verdict.ok) {
    refuseStranger(verdict.description, res)
    letGo?.()
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
      else letGo?.()
    })
    .catch(next)
}

function refuseStranger(description: string, res: Response): void {
  setHeader(res, 'WWW-Authenticate', 'Bearer realm="usage"')
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
  return `${mountOf(req)}${path}`
}
