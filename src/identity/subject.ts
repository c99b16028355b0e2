import type { Subject } from '../capture/capture.js'
import type { Caller } from './verdict.js'

/** A caller as the one whom an operation belongs to. */
export function subjectOf({ user_id, tier, org_id }: Caller): Subject {
  const subject: { user_id: string; tier?: string; org_id?: string } = { user_id }
  if (tier !== undefined) subject.tier = tier
  if (org_id !== undefined) subject.org_id = org_id
  return subject
}
