import { UsageError, type ErrorCode } from '../errors.js'
import type { Dialect } from './dialects.js'

/** What can go wrong between the proxy and the provider, as told to the client and the log. */
export const upstreamFailures = {
  upstream_unreachable: 'The provider cannot be reached.',
  upstream_timeout: 'The provider gave no answer in time.',
  upstream_cut: 'The provider ended its answer before it was complete.',
} as const

export type UpstreamFailure = keyof typeof upstreamFailures

/**
 * A refusal that the proxy answers with: a problem that also carries `error`, the member in which
 * the providers' SDKs look for the message.
 */
export function refusal(
  code: ErrorCode,
  message: string,
  details: Record<string, unknown> = {},
): UsageError {
  const error = { message, type: code, code }
  return new UsageError(code, message, { details: { ...details, error } })
}

/** The same for an error that knows nothing of SDKs. */
export function toRefusal(error: UsageError): UsageError {
  return 'error' in error.details ? error : refusal(error.code, error.message, error.details)
}

/** The client has left; there is nobody to answer. */
export class ClientGone extends Error {}

/**
 * The event that ends a stream which the provider left unfinished, in the words that its SDKs turn
 * into an error. Undefined where they know none: then the connection is cut, as the provider's was.
 */
export function failureEvent(
  { family }: Dialect,
  path: string,
  failure: UpstreamFailure,
): string | undefined {
  const message = upstreamFailures[failure]
  const error = { message, type: 'upstream_error', param: null, code: failure }
  switch (family) {
    case 'gemini':
      return undefined
    case 'anthropic':
      return event({ type: 'error', error: { type: 'api_error', message } }, 'error')
    default:
      return path.endsWith('/responses')
        ? event({ type: 'error', code: failure, message, param: null, error }, 'error')
        : event({ error })
  }
}

function event(payload: object, name?: string): string {
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(payload)}\n\n`
}
