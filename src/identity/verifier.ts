import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.js'
import type { AuthConfig } from './auth-options.js'
import { readBearer } from './bearer.js'
import { checkClaims } from './claims.js'
import { createSignatureCheck } from './signature.js'
import { decodeToken, type DecodedToken } from './token.js'
import type { Verdict } from './verdict.js'

export type { Caller, RejectReason, Verdict } from './verdict.js'

/** Verified tokens that are remembered at most, and the characters they may have in all. */
const maxRemembered = 10_000
const maxRememberedCharacters = 8 * 1024 * 1024
/** How long a token may outlive its key at the issuer, beyond the age of the fetched keys. */
const maxRememberedMsWithRemoteKeys = 5 * 60_000

interface Remembered {
  readonly verdict: Verdict
  readonly untilMs: number
}

export interface Verifier {
  /**
   * Says who sent a request. Never throws and never rejects. Synchronous for a token seen before,
   * and always with a `secret`; waits at most 3 s, for a JWKS that must be fetched.
   * @param rawHeaders `req.rawHeaders`: names and values in turn, duplicates kept
   */
  verify(rawHeaders: readonly string[]): Verdict | Promise<Verdict>
}

/** A verifier with its own memory of verified tokens (never of refused ones). Opens nothing yet. */
export function createVerifier(config: AuthConfig, clock: Clock): Verifier {
  const checkSignature = createSignatureCheck(config, clock)
  const remembered = new LRUCache<string, Remembered>({
    max: maxRemembered,
    maxSize: maxRememberedCharacters,
    sizeCalculation: (_, token) => token.length,
  })
  const maxMs = config.keys.kind === 'jwks' ? maxRememberedMsWithRemoteKeys : Infinity

  const judge = (token: DecodedToken): Verdict => {
    const nowMs = clock.now()
    const checked = checkClaims(token.payload, config, nowMs)
    if ('ok' in checked) return checked
    const verdict = Object.freeze({ ok: true, caller: checked.caller })
    const untilMs = Math.min(checked.expiresAtMs, nowMs + maxMs)
    remembered.set(token.compact, { verdict, untilMs })
    return verdict
  }

  return {
    verify: (rawHeaders) => {
      const compact = readBearer(rawHeaders)
      if (typeof compact !== 'string') return compact
      const known = remembered.get(compact)
      if (known !== undefined && clock.now() < known.untilMs) return known.verdict
      if (known !== undefined) remembered.delete(compact)
      const token = decodeToken(compact, config)
      if ('ok' in token) return token
      const refused = checkSignature(token)
      if (refused instanceof Promise) return refused.then((rejection) => rejection ?? judge(token))
      return refused ?? judge(token)
    },
  }
}
