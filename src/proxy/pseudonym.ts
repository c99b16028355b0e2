import { createHmac, randomBytes, type KeyObject } from 'node:crypto'

/**
 * Names a user to a provider without saying who it is: an HMAC-SHA256 of the user id, under a key
 * that the provider does not have (it has the API key). The same user has the same name for as long
 * as the key stays.
 */
export function createPseudonyms(
  secret: string | KeyObject | undefined,
): (userId: string) => string {
  const key = secret ?? randomBytes(32)
  return (userId) => {
    const mac = createHmac('sha256', key).update(`express-ai-usage\0proxy user\0${userId}`)
    return `u_${mac.digest('base64url').slice(0, 22)}`
  }
}
