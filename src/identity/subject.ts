import type { Subject } from '../capture/capture.js'
import type { Caller } from './verdict.js'

/** A caller as the one whom an operation belongs to. */
export function subjectOf({ user_id, tier, org_id }: Caller): Subject {
  if (tier === undefined && org_id === undefined) return { user_id }
  return { user_id, ...(tier !== undefined && { tier }), ...(org_id !== undefined && { org_id }) }
}
