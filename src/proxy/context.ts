import type { KeyObject } from 'node:crypto'
import type { ErrorRequestHandler, Request, Response } from 'express'
import type { Capture } from '../capture/capture.js'
import type { Clock } from '../clock.js'
import type { Correction } from '../event.js'
import type { UsageError } from '../errors.js'
import type { Caller, Verdict } from '../identity/verifier.js'
import type { Logger } from '../logger.js'
import type { MaybePromise } from '../maybe-promise.js'
import type { Meter } from '../meter.js'

/** What a proxy needs of the house. */
export interface ProxyContext {
  readonly meter: Meter
  readonly clock: Clock
  readonly logger: Logger
  /** Says who is asking, by the token that stands in these headers. */
  readonly find: (req: Request, rawHeaders: readonly string[]) => MaybePromise<Verdict>
  /** The caller that a verdict lets in as a user, or why not; sets `WWW-Authenticate`. */
  readonly admit: (res: Response, verdict: Verdict) => Caller | UsageError
  /** Holds a request to its caller's plan; false when it has been refused, and answered. */
  readonly ask: (capture: Capture, res: Response) => MaybePromise<boolean>
  /** Turns errors into problems. */
  readonly problems: ErrorRequestHandler
  /** Puts later figures in the place of an event's own; false while it is not in the log. */
  readonly correct: (id: string, correction: Correction) => Promise<boolean>
  /** Key of pseudonyms where the options name none. */
  readonly secret: KeyObject | undefined
}
