import type { Request, RequestHandler, Response } from 'express'
import { UsageError } from '../src/errors.js'
import type { Caller, Verdict } from '../src/identity/verifier.js'
import type { FindCaller } from './callers.js'

const callers = new WeakMap<Request, Caller>()

/** The caller that `authenticate` let in. */
export function callerOf(req: Request): Caller {
  const caller = callers.get(req)
  if (caller === undefined) throw new UsageError('unauthorized', 'No credentials were given')
  return caller
}

/** Who may pass: anybody with a valid token, admins, or admins and services. */
export type Access = 'user' | 'admin' | 'service'

/** How often each user may ask. */
export interface Rate {
  readonly perMinute: number
  /** Counts a request; answers how many seconds it is too early, 0 when it may pass. */
  take(userId: string): number
}

/** Lets in who has the access; 401 with `WWW-Authenticate`, 403, or 429 with `Retry-After` otherwise. */
export function authenticate(find: FindCaller, access: Access, rate?: Rate): RequestHandler {
  return function usageAuthenticate(req, res, next) {
    const verdict = find(req)
    if (!(verdict instanceof Promise)) {
      next(judge(req, res, verdict, access, rate))
      return
    }
    verdict.then((found) => next(judge(req, res, found, access, rate)), next)
  }
}

/** Whether who was let in would still be: tokens run out while an answer lasts. */
export function mayStay(find: FindCaller, access: Access): (req: Request) => Promise<boolean> {
  return async (req) => {
    const verdict = await find(req)
    return verdict.ok ? allowed(verdict.caller, access) : verdict.reason === 'keys_unavailable'
  }
}

function judge(
  req: Request,
  res: Response,
  verdict: Verdict,
  access: Access,
  rate: Rate | undefined,
): UsageError | undefined {
  const caller = admit(res, verdict, access)
  if (caller instanceof UsageError) return caller
  callers.set(req, caller)
  return rate && hurried(res, caller, rate)
}

function hurried(res: Response, { user_id }: Caller, rate: Rate): UsageError | undefined {
  const seconds = rate.take(user_id)
  if (seconds === 0) return undefined
  res.set('Retry-After', String(seconds))
  return new UsageError('rate_limited', `At most ${rate.perMinute} requests a minute are answered`)
}

/** The caller that a verdict lets in, or the refusal; a 401 gets its `WWW-Authenticate`. */
export function admit(res: Response, verdict: Verdict, access: Access): Caller | UsageError {
  if (!verdict.ok) {
    if (verdict.reason === 'keys_unavailable') {
      return new UsageError('store_unavailable', 'The keys to verify tokens with cannot be had')
    }
    res.set('WWW-Authenticate', challenge(verdict))
    return new UsageError('unauthorized', verdict.description)
  }
  if (!allowed(verdict.caller, access)) {
    return new UsageError('forbidden', 'This needs a role that the token does not have')
  }
  return verdict.caller
}

function allowed(caller: Caller, access: Access): boolean {
  if (caller.is_admin) return true
  return access === 'service' ? caller.is_service : access === 'user' && !caller.is_service
}

/** https://www.rfc-editor.org/rfc/rfc6750#section-3 */
function challenge(verdict: Verdict & { ok: false }): string {
  if (verdict.reason === 'missing') return 'Bearer realm="usage"'
  const description = verdict.description.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '')
  return `Bearer realm="usage", error="invalid_token", error_description="${description}"`
}
