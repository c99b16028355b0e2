import type { Request } from 'express'
import { within } from '../src/deadline.js'
import { faultOf } from '../src/fault.js'
import type { Caller, RejectReason, Verdict, Verifier } from '../src/identity/verifier.js'
import { parseHostId, parseIdentifier } from '../src/identity/user-id.js'
import type { Config } from '../src/config.js'
import type { Identity } from '../src/identity/identity.js'

/** A host's look-up that has not answered by then may never do so, ms. */
const identityMs = 5_000

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
  const reported = new Set<string>()
  const report = (kind: string, line: string) => {
    if (!reported.has(kind)) logger.error(`usage: identify(req) ${line}`)
    reported.add(kind)
  }
  const failed = (error: unknown) => {
    report('failed', `failed: ${faultOf(error)}`)
    return undefined
  }
  const decide = (req: Request, identity: unknown, headers?: readonly string[]) => {
    const caller = isObject(identity) ? callerOf(identity) : undefined
    if (caller) return { ok: true as const, caller }
    const mistake = mistakeOf(identity)
    if (mistake) report(mistake, `names nobody: ${mistake}`)
    return byToken(req, headers)
  }
  return (req, headers) => {
    try {
      const identity = identify(req)
      if (!isThenable(identity)) return decide(req, identity, headers)
      const asking = Promise.resolve(identity).catch(failed)
      return within(asking, identityMs).then(async (hasAnswered) => {
        if (hasAnswered) return decide(req, await asking, headers)
        report('late', `has not answered within ${identityMs} ms`)
        return byToken(req, headers)
      })
    } catch (error) {
      failed(error)
      return byToken(req, headers)
    }
  }
}

function isObject(value: unknown): value is Partial<Identity> {
  return typeof value === 'object' && value !== null
}

/** Whatever a database's library calls a promise. */
function isThenable(value: unknown): value is PromiseLike<Identity | undefined> {
  return isObject(value) && 'then' in value
}

/** Why an answer that is meant to name someone does not; undefined where it says that nobody is known. */
function mistakeOf(identity: unknown): string | undefined {
  if (identity === undefined || identity === null || identity === false || identity === '')
    return undefined
  if (!isObject(identity)) return `it answered a ${typeof identity}, not { user_id }`
  const user_id: unknown = identity.user_id
  if (user_id === undefined || user_id === null || user_id === '')
    return 'user_id' in identity ? undefined : 'its answer has no user_id'
  return `its user_id is ${typeof user_id === 'string' ? 'no identifier' : `of type ${typeof user_id}`}`
}

/** What a host says may have come from a client: what is no name is left out. */
function callerOf(identity: Partial<Identity>): Caller | undefined {
  const user_id = parseHostId(identity.user_id)
  if (user_id === undefined) return undefined
  const [tier, org_id] = [parseIdentifier(identity.tier), parseHostId(identity.org_id)]
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
