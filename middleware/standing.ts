import type { Request } from 'express'
import type { Subject } from '../src/capture/capture.js'
import { subjectOf } from '../src/identity/subject.js'
import { anonymousUserId } from '../src/identity/user-id.js'
import type { PlanBook } from '../src/limits/plans.js'
import type { Standing } from '../src/limits/turns.js'
import { andThen, type MaybePromise } from '../src/maybe-promise.js'
import type { Meter } from '../src/meter.js'
import type { FindCaller } from './callers.js'

interface StandingContext {
  readonly meter: Meter
  readonly plans: PlanBook
}

/** Tells where a request stands in line: by its caller's plan. Callers that are not known are one. */
export function createStandingOf(
  { meter, plans }: StandingContext,
  find: FindCaller,
): (req: Request) => MaybePromise<Standing> {
  const standing = (subject: Subject = { user_id: anonymousUserId }): Standing => ({
    user: subject.user_id,
    priority: plans.ofSubject(subject).priority,
  })
  return (req) => {
    const capture = meter.captureOf(req)
    return andThen<Subject | undefined, Standing>(
      capture?.subject ?? capture?.pendingSubject,
      (known) => {
        if (known !== undefined) return standing(known)
        // The app may have authenticated it since `track` asked.
        return andThen(find(req), (verdict) =>
          standing(verdict.ok ? subjectOf(verdict.caller) : undefined),
        )
      },
    )
  }
}
