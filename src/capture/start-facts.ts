import { anonymousUserId } from '../identity/user-id.js'
import { instantText, type StartFacts } from '../ledger/spool/event-json.js'
import type { PlanBook } from '../limits/plans.js'
import type { Capture } from './capture.js'

/** What is known of an operation while it runs. */
export function startFacts(capture: Capture, plans: Pick<PlanBook, 'ofSubject'>): StartFacts {
  const subject = capture.subject ?? { user_id: anonymousUserId }
  const user_id = capture.annotations.user_id ?? subject.user_id
  const org_id = capture.annotations.org_id ?? subject.org_id
  return {
    _id: capture.id,
    user_id,
    org_id,
    tier: plans.ofSubject(subject).tier,
    endpoint: capture.operation.endpoint,
    operation_type: capture.operation.type,
    timestamp: instantText(capture.started_at),
  }
}
