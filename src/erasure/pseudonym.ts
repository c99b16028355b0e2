import { createHmac } from 'node:crypto'

const form = /^erased:[\w-]{22}$/

/**
 * Names for an erased person: HMAC-SHA256 of the user id, under a random key that is kept in the
 * database. Not the token secret, which hosts change, may not have, and give to others; and every
 * instance must come to the same name. Each generation has a name of its own, so that erasing only ever
 * renames and never merges: sums and numbers of users stay what they were.
 */
export function pseudonymOf(key: string, userId: string, generation: number): string {
  return `erased:${digest(key, `pseudonym\0${generation}\0${userId}`)}`
}

/** What an erasure is found by. */
export function erasureId(key: string, userId: string): string {
  return digest(key, `erasure\0${userId}`)
}

/** Whether a user id has the form of a pseudonym. */
export function isPseudonym(userId: string): boolean {
  return form.test(userId)
}

function digest(key: string, text: string): string {
  const mac = createHmac('sha256', Buffer.from(key, 'base64url'))
  return mac.update(`express-ai-usage\0${text}`).digest('base64url').slice(0, 22)
}
