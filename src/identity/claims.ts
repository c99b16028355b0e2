import type { AuthConfig, ClaimNames } from './auth-options.js'
import { anonymousUserId, parseIdentifier, parseUserId } from './user-id.js'
import { reject, type Caller, type Rejection } from './verdict.js'

type Payload = Readonly<Record<string, unknown>>

export interface CheckedClaims {
  readonly caller: Caller
  /** From this instant on the token is refused: `exp` plus the clock tolerance, in epoch ms. */
  readonly expiresAtMs: number
}

/** Judges the payload of a token with a good signature: the same for every kind of key. */
export function checkClaims(
  payload: Payload,
  config: AuthConfig,
  nowMs: number,
): CheckedClaims | Rejection {
  const expiresAtMs = checkTimes(payload, config.clockToleranceSeconds, nowMs)
  if (typeof expiresAtMs !== 'number') return expiresAtMs
  if (!isAmong(claim(payload, 'iss'), config.issuers)) {
    return badClaim('The token is from an issuer that is not accepted.')
  }
  const audience = claim(payload, 'aud')
  const audiences: readonly unknown[] = Array.isArray(audience) ? audience : [audience]
  if (config.audiences.length > 0 && !audiences.some((one) => isAmong(one, config.audiences))) {
    return badClaim('The token is meant for another audience.')
  }
  const caller = readCaller(payload, config.claims)
  return 'ok' in caller ? caller : { caller, expiresAtMs }
}

function checkTimes(payload: Payload, toleranceSeconds: number, nowMs: number): number | Rejection {
  const [exp, nbf = 0, iat = 0] = ['exp', 'nbf', 'iat'].map((name) => claim(payload, name))
  if (!isWholeSeconds(exp)) return badClaim('The token has no expiry time in whole seconds.')
  if (!isWholeSeconds(nbf) || !isWholeSeconds(iat)) {
    return badClaim('The times of the token must be whole seconds.')
  }
  const toleranceMs = toleranceSeconds * 1000
  const expiresAtMs = exp * 1000 + toleranceMs
  if (nowMs >= expiresAtMs) return reject('expired', 'The token has expired.')
  if (nbf * 1000 - toleranceMs > nowMs) return reject('not_active', 'The token is not active yet.')
  if (iat * 1000 - toleranceMs > nowMs) {
    return reject('not_active', 'The token was issued in the future.')
  }
  return expiresAtMs
}

function readCaller(payload: Payload, names: ClaimNames): Caller | Rejection {
  const user_id = parseUserId(claim(payload, names.userId))
  if (user_id === undefined || user_id === anonymousUserId) {
    return badClaim('The token names no valid user.')
  }
  const roles = readRoles(payload, names)
  if (roles === undefined) return badClaim('The roles of the token must be strings.')
  const [tier, org_id] = [names.tier, names.org].map((name) => readName(payload, name))
  if (tier === null || org_id === null) {
    return badClaim('The tier and organisation of the token must be valid names.')
  }
  return Object.freeze({
    user_id,
    roles: Object.freeze(roles),
    is_admin: roles.includes('admin'),
    is_service: roles.includes('service'),
    ...(tier === undefined ? {} : { tier }),
    ...(org_id === undefined ? {} : { org_id }),
  })
}

/** The role and the roles as one list, or undefined when one of them is not a string. */
function readRoles(payload: Payload, names: ClaimNames): string[] | undefined {
  const role = claim(payload, names.role)
  const roles = claim(payload, names.roles)
  const oneClaim = names.role === names.roles
  if (roles !== undefined && !Array.isArray(roles) && !oneClaim) return undefined
  const single: unknown[] = role === undefined || (oneClaim && Array.isArray(role)) ? [] : [role]
  const several: readonly unknown[] = Array.isArray(roles) ? roles : []
  const all = [...new Set([...single, ...several])]
  return all.every((one) => typeof one === 'string') ? all : undefined
}

/** A name, undefined when absent, null when it is none. */
function readName(payload: Payload, name: string): string | undefined | null {
  const value = claim(payload, name)
  return value === undefined ? undefined : (parseIdentifier(value) ?? null)
}

/** An own member only: a claim may be named like something every object inherits. */
function claim(payload: Payload, name: string): unknown {
  return Object.hasOwn(payload, name) ? payload[name] : undefined
}

/** Whether a claim is one of those configured; with none configured, anything is. */
function isAmong(value: unknown, accepted: readonly string[]): boolean {
  return accepted.length === 0 || accepted.some((one) => one === value)
}

function isWholeSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function badClaim(description: string): Rejection {
  return reject('bad_claims', description)
}
