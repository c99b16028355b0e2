import { createPublicKey, KeyObject } from 'node:crypto'

/** Smallest RSA modulus that is accepted, in bits (RFC 7518 §3.3). */
const minRsaBits = 2048

export type PublicKeyResult = { ok: true; key: KeyObject } | { ok: false; problem: string }

/** Reads a public key from PEM text (SPKI, PKCS#1 or a certificate) or takes a public KeyObject. */
export function parsePublicKey(value: string | KeyObject): PublicKeyResult {
  const key = value instanceof KeyObject ? value : readPem(value)
  if (key === undefined)
    return { ok: false, problem: 'must be a public key in PEM, or a KeyObject' }
  if (key === 'private' || key.type !== 'public') {
    return { ok: false, problem: 'must be a public key, never a private or secret one' }
  }
  const bits = key.asymmetricKeyDetails?.modulusLength
  if (bits !== undefined && bits < minRsaBits) {
    return { ok: false, problem: `must be an RSA key of at least ${minRsaBits} bits` }
  }
  return { ok: true, key }
}

function readPem(text: string): KeyObject | 'private' | undefined {
  // createPublicKey would quietly derive the public key from a private one.
  if (text.includes('PRIVATE KEY')) return 'private'
  try {
    // Environment variables often carry the line breaks of a PEM as the two characters \n.
    return createPublicKey(text.replaceAll('\\n', '\n'))
  } catch {
    return undefined
  }
}
