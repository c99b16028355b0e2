import { Problem } from './problem.js'

/** A failed call as an SDK tells it: `status` undefined when no answer came. */
export interface SdkFailure {
  readonly status: number | undefined
  readonly message: string
  readonly retryAfter: string | null | undefined
  readonly isTimeout: boolean
  /** The caller chose the model, so an unknown one is the caller's mistake. */
  readonly isModelNamed: boolean
}

/**
 * 429 stays 429 with its Retry-After, no answer in time or 504 is 504, a request that the provider
 * refuses is 400, all else is 502. The provider's own words are kept in `detail`, except those
 * about the key.
 */
export function upstreamProblem(failure: SdkFailure): Problem {
  const { isModelNamed, isTimeout, message, retryAfter, status } = failure
  const headers = retryAfter ? { 'retry-after': retryAfter } : {}
  if (isTimeout || status === 504) {
    return new Problem(
      504,
      'upstream_timeout',
      `The AI provider did not answer in time: ${message}`,
    )
  }
  if (status === 429) {
    const detail = `The AI provider limits requests: ${message}`
    return new Problem(429, 'upstream_rate_limited', detail, { headers })
  }
  if (status === 401 || status === 403) {
    return new Problem(
      502,
      'upstream_failed',
      'The AI provider refuses the API key of this server.',
    )
  }
  const isRefused = status === 400 || status === 413 || status === 422
  if (isRefused || (status === 404 && isModelNamed)) {
    return new Problem(400, 'upstream_rejected', `The AI provider refuses this: ${message}`)
  }
  return new Problem(502, 'upstream_failed', `The AI provider failed: ${message}`, { headers })
}
