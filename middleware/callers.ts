import type { Request } from 'express'
import { faultOf } from '../src/fault.js'
import type { Caller, RejectReason, Verdict, Verifier } from '../src/identity/verifier.js'
import { parseIdentifier, parseUserId } from '../src/identity/user-id.js'
import type { Config } from '../src/config.js'
import type { Identity } from '../src/identity/identity.js'

/**
 * Finds out who sent a request; synchronous wherever no one has to be asked. `rawHeaders` are those
 * in which the token stands, by default the request's own.
 */
export type FindCaller = (
  req: Request,
  rawHeaders?: readonly string[],
) => Verdict | Promise<Verdict>

/**
 * The host's `identify` first, the Bearer token second. A host function that throws, rejects or
 * names no valid user counts as "unknown": it cannot break the host's own route.
 */
export function createFindCaller(
  { identify, logger }: Pick<Config, 'identify' | 'logger'>,
  verifier: Verifier | undefined,
): FindCaller {
  const byToken: FindCaller = (req, rawHeaders = req.rawHeaders) =>
    verifier?.verify(rawHeaders) ?? refuse('missing')
  if (identify === undefined) return byToken
  let reported = false
  const report = (error: unknown) => {
    if (!reported) logger.error(`usage: identify(req) failed: ${faultOf(error)}`)
    reported = true
    return undefined
  }
  const decide = (req: Request, identity: Identity | undefined, headers?: readonly string[]) => {
    const caller = identity && callerOf(identity)
    return caller ? { ok: true as const, caller } : byToken(req, headers)
  }
  return (req, headers) => {
    try {
      const identity = identify(req)
      if (!isThenable(identity)) return decide(req, identity, headers)
      return Promise.resolve(identity)
        .catch(report)
        .then((found) => decide(req, found, headers))
    } catch (error) {
      report(error)
      return byToken(req, headers)
    }
  }
}

/** Whatever a database's library calls a promise. */
function isThenable(value: unknown): value is PromiseLike<Identity | undefined> {
  return typeof value === 'object' && value !== null && 'then' in value
}

/** What a host says may have come from a client: what is no name is left out. */
function callerOf(identity: Identity): Caller | undefined {
  const user_id = parseUserId(identity.user_id)
  if (user_id === undefined) return undefined
  const [tier, org_id] = [parseIdentifier(identity.tier), parseIdentifier(identity.org_id)]
  const several: readonly unknown[] = Array.isArray(identity.roles) ? identity.roles : []
  const roles = [...several, identity.role].filter((role) => typeof role === 'string')
  return {
    user_id,
    roles,
    is_admin: roles.includes('admin'),
    is_service: roles.includes('service'),
    ...(tier !== undefined && { tier }),
    ...(org_id !== undefined && { org_id }),
  }
}

function refuse(reason: RejectReason): Verdict {
  return { ok: false, reason, description: 'No credentials were given' }
}
