import type { AuthConfig } from './auth-options.js'
import type { Algorithm } from './algorithms.js'
import { reject, type Rejection } from './verdict.js'

/** A token taken apart. Nothing in it is verified yet. */
export interface DecodedToken {
  readonly compact: string
  readonly algorithm: Algorithm
  readonly keyId: string | undefined
  /** Of the payload; read its members with `Object.hasOwn`. */
  readonly payload: Readonly<Record<string, unknown>>
}

// Unless one is configured. RFC 7519 §5.1 and RFC 9068 §2.1; a refresh token, DPoP proof or logout
// token names itself otherwise and must not pass for an access token (RFC 8725 §3.11).
const defaultTypes = ['jwt', 'at+jwt']
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const malformed = reject('malformed', 'The token is not a signed JWT.')

/**
 * Takes a token apart and refuses what no key needs to be asked for. `jku`, `jwk`, `x5u` and `x5c`
 * are ignored: a token never says which key to trust. `kid` only selects among the configured keys.
 */
export function decodeToken(
  compact: string,
  config: Pick<AuthConfig, 'algorithms' | 'typ'>,
): DecodedToken | Rejection {
  const parts = compact.split('.', 4)
  const [header, payload] = parts.map(readJsonObject)
  if (parts.length !== 3 || header === undefined || payload === undefined) return malformed
  if (decodeBase64Url(parts[2] ?? '') === undefined) return malformed
  const { alg, kid, typ } = header
  if (typeof alg !== 'string' || (kid !== undefined && typeof kid !== 'string')) return malformed
  if (header['crit'] !== undefined) {
    return reject('malformed', 'The token demands an extension that is not supported.')
  }
  const algorithm = config.algorithms.find((pinned) => pinned === alg)
  if (algorithm === undefined) {
    return reject('bad_signature', 'The token is signed with an algorithm that is not accepted.')
  }
  if (!isAcceptedType(typ, config.typ)) {
    return reject('bad_claims', 'The token is of a type that is not accepted.')
  }
  return { compact, algorithm, keyId: kid, payload }
}

function isAcceptedType(typ: unknown, configured: string | undefined): boolean {
  if (typ === undefined) return configured === undefined
  if (typeof typ !== 'string') return false
  const accepted = configured === undefined ? defaultTypes : [bareType(configured)]
  return accepted.includes(bareType(typ))
}

function bareType(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, '')
}

function readJsonObject(part: string): Record<string, unknown> | undefined {
  const bytes = decodeBase64Url(part)
  if (bytes === undefined) return undefined
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function decodeBase64Url(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url')
  // Buffer skips what is not base64url; only the canonical spelling comes back the same.
  return part !== '' && bytes.toString('base64url') === part ? bytes : undefined
}
