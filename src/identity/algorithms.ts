import type { KeyObject } from 'node:crypto'

export const hmacAlgorithms = ['HS256', 'HS384', 'HS512'] as const
export const asymmetricAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const

export type HmacAlgorithm = (typeof hmacAlgorithms)[number]
export type AsymmetricAlgorithm = (typeof asymmetricAlgorithms)[number]
/** The JWS algorithms that can be pinned (RFC 7518 §3.1, RFC 8037; EdDSA means Ed25519). */
export type Algorithm = HmacAlgorithm | AsymmetricAlgorithm

export function isHmac(algorithm: Algorithm): algorithm is HmacAlgorithm {
  return algorithm.startsWith('HS')
}

const algorithmOfCurve: Readonly<Record<string, AsymmetricAlgorithm>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
}

/** The algorithms a public key can verify; empty for a kind of key that none of them uses. */
export function algorithmsOf(key: KeyObject): readonly AsymmetricAlgorithm[] {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return asymmetricAlgorithms.filter((name) => name.startsWith('RS') || name.startsWith('PS'))
    case 'ec': {
      const algorithm = algorithmOfCurve[key.asymmetricKeyDetails?.namedCurve ?? '']
      return algorithm === undefined ? [] : [algorithm]
    }
    case 'ed25519':
      return ['EdDSA']
    default:
      return []
  }
}
