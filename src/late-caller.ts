import type { Capture, Subject } from './capture/capture.js'
import { subjectOf } from './identity/subject.js'
import type { Verdict } from './identity/verifier.js'
import { andThen, type MaybePromise } from './maybe-promise.js'

/** Who an operation belongs to where the host's `identify` knows only afterwards. */
export function lateCaller(
  identify: unknown,
  find: (req: Capture['req']) => MaybePromise<Verdict>,
): (late: Capture) => MaybePromise<Subject | undefined> {
  if (identify === undefined) return () => undefined
  return ({ req }) =>
    andThen(find(req), (verdict) => (verdict.ok ? subjectOf(verdict.caller) : undefined))
}
