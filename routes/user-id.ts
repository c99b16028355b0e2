import type { Request } from 'express'
import { UsageError } from '../src/errors.js'
import { parseUserId } from '../src/identity/user-id.js'

/** The user id in a path. @throws UsageError `invalid_parameter` */
export function userIdOf(req: Request): string {
  const user_id = parseUserId(req.params.user_id)
  if (user_id !== undefined) return user_id
  throw new UsageError('invalid_parameter', 'user_id must be a user id of at most 256 characters', {
    details: { parameter: 'user_id' },
  })
}
