import type { KeyObject } from 'node:crypto'
import type { CryptoKey } from 'jose'
import jwt from 'jsonwebtoken'
import type { Clock } from '../clock.js'
import { isHmac } from './algorithms.js'
import type { AuthConfig } from './auth-options.js'
import type { RemoteKeys } from './remote-keys.js'
import type { DecodedToken } from './token.js'
import { reject, type Rejection } from './verdict.js'

const badSignature = reject('bad_signature', 'The signature of the token is not valid.')

/** Undefined when the signature is good. */
export type SignatureCheck = (
  token: DecodedToken,
) => Rejection | undefined | Promise<Rejection | undefined>

/**
 * Checks signatures only; the claims are judged in one place for all kinds of key. jsonwebtoken does
 * HMAC, jose everything else, as jsonwebtoken knows neither EdDSA nor JWKS; it is loaded where it is
 * needed.
 */
export function createSignatureCheck(config: AuthConfig, clock: Clock): SignatureCheck {
  const { keys } = config
  switch (keys.kind) {
    case 'secret':
      return (token) =>
        keys.secrets.some((secret) => isSignedBySecret(token, secret)) ? undefined : badSignature
    case 'public_key':
      return async (token) => ((await isSignedByKey(token, keys.key)) ? undefined : badSignature)
    case 'jwks': {
      let remote: Promise<RemoteKeys> | undefined
      return async (token) => {
        remote ??= import('./remote-keys.js').then((room) => new room.RemoteKeys(keys.url, clock))
        return checkRemotely(token, await remote)
      }
    }
  }
}

async function checkRemotely(
  token: DecodedToken,
  remote: RemoteKeys,
): Promise<Rejection | undefined> {
  if (isHmac(token.algorithm)) return badSignature
  const found = await remote.find(token.algorithm, token.keyId)
  if (found.state === 'unavailable') {
    const description = 'The keys to verify the token are not available now.'
    return reject('keys_unavailable', description, found.cause)
  }
  for (const key of found.keys) {
    if (await isSignedByKey(token, key)) return undefined
  }
  return badSignature
}

function isSignedBySecret(token: DecodedToken, secret: KeyObject): boolean {
  if (!isHmac(token.algorithm)) return false
  try {
    jwt.verify(token.compact, secret, {
      algorithms: [token.algorithm],
      ignoreExpiration: true,
      ignoreNotBefore: true,
    })
    return true
  } catch {
    return false
  }
}

async function isSignedByKey(token: DecodedToken, key: KeyObject | CryptoKey): Promise<boolean> {
  const { compactVerify } = await import('jose')
  try {
    await compactVerify(token.compact, key, { algorithms: [token.algorithm] })
    return true
  } catch {
    return false
  }
}
