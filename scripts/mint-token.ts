import { createSecretKey } from 'node:crypto'
import jwt from 'jsonwebtoken'

export interface TokenRequest {
  /** HMAC secret of the server that will verify the token. */
  secret: string
  user: string
  role?: string | undefined
  tier?: string | undefined
  org?: string | undefined
  ttlSeconds: number
  /** Instant of issue, milliseconds since the Unix epoch. */
  now: number
}

/** A JWT signed with HS256, with the claims that `auth` reads by default. */
export function mintToken({
  secret,
  user,
  role,
  tier,
  org,
  ttlSeconds,
  now,
}: TokenRequest): string {
  const iat = Math.floor(now / 1000)
  const claims = { sub: user, role, tier, org, iat, exp: iat + ttlSeconds }
  const present = Object.entries(claims).filter(([, value]) => value !== undefined)
  // Of a string jsonwebtoken first finds out that it is no private key.
  const key = createSecretKey(secret, 'utf8')
  return jwt.sign(Object.fromEntries(present), key, { algorithm: 'HS256' })
}
