import {
  constants,
  createHmac,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto'
import type { Algorithm, AuthOptions } from '../../src/identity/auth-options.js'

export const nowMs = Date.parse('2026-03-01T12:00:00Z')
export const nowSeconds = nowMs / 1000

/** A clock that stands still until told otherwise. */
export function testClock() {
  let offsetMs = 0
  return {
    now: () => nowMs + offsetMs,
    elapsed: () => offsetMs,
    advance: (ms: number) => {
      offsetMs += ms
    },
  }
}

export interface Signer {
  algorithm: Algorithm
  key: string | KeyObject
  /** What `auth` needs to verify it. */
  auth: AuthOptions
}

function asymmetric(algorithm: Algorithm, pair: { publicKey: KeyObject; privateKey: KeyObject }) {
  const auth = { publicKey: pair.publicKey, algorithms: [algorithm] }
  return { algorithm, key: pair.privateKey, auth, publicKey: pair.publicKey }
}

export const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })

export function hmacSigner(secret = randomBytes(32).toString('hex')) {
  return { algorithm: 'HS256', key: secret, auth: { secret, algorithms: ['HS256'] } } as const
}
export const rsaSigner = (pair = rsa) => asymmetric('RS256', pair)
export const pssSigner = (pair = rsa) => asymmetric('PS256', pair)
export const ecSigner = () =>
  asymmetric('ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }))
export const edSigner = () => asymmetric('EdDSA', generateKeyPairSync('ed25519'))

function signature(input: string, algorithm: string, key: string | KeyObject): Buffer {
  const hash = `sha${algorithm.slice(2)}`
  const bytes = Buffer.from(input)
  if (typeof key === 'string') return createHmac(hash, key).update(bytes).digest()
  if (algorithm === 'EdDSA') return sign(null, bytes, key)
  if (algorithm.startsWith('ES')) return sign(hash, bytes, { key, dsaEncoding: 'ieee-p1363' })
  if (algorithm.startsWith('RS')) return sign(hash, bytes, key)
  const padding = constants.RSA_PKCS1_PSS_PADDING
  return sign(hash, bytes, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST })
}

export function base64url(part: unknown): string {
  const raw = typeof part === 'string' || Buffer.isBuffer(part) ? part : JSON.stringify(part)
  return Buffer.from(raw).toString('base64url')
}

/** A payload every verifier accepts. */
export const goodClaims = {
  sub: 'alice',
  iat: nowSeconds - 10,
  exp: nowSeconds + 3600,
}

/** A signed token of any shape; a string or Buffer stands for the raw bytes of the payload. */
export function forge(
  { algorithm, key }: Pick<Signer, 'algorithm' | 'key'>,
  payload: unknown,
  header: object = {},
): string {
  const input = `${base64url({ alg: algorithm, typ: 'JWT', ...header })}.${base64url(payload)}`
  return `${input}.${base64url(signature(input, algorithm, key))}`
}

export function bearer(token: string): string[] {
  return ['Host', 'localhost', 'Authorization', `Bearer ${token}`, 'Accept', '*/*']
}
