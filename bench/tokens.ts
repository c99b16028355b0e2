import { randomBytes } from 'node:crypto'
import jwt from 'jsonwebtoken'

export const secret = randomBytes(32).toString('base64url')

/** Bearer tokens of as many users, valid for an hour. */
export const tokens: readonly string[] = Array.from({ length: 100 }, (_, index) =>
  jwt.sign({ sub: `user-${index}`, tier: 'pro' }, secret, { algorithm: 'HS256', expiresIn: 3600 }),
)
