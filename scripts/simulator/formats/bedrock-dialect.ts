import type { Dialect, FailureKind } from '../dialect.js'
import { eventMessage } from './event-stream.js'
import { bearerToken } from './openai-dialect.js'
import { STATUS } from './status.js'

const EXCEPTIONS: Readonly<Record<FailureKind, string>> = {
  bad_request: 'ValidationException',
  unauthorized: 'MissingAuthenticationTokenException',
  model_not_found: 'ResourceNotFoundException',
  not_found: 'UnknownOperationException',
  too_large: 'ValidationException',
  rate_limit: 'ThrottlingException',
  server_error: 'InternalServerException',
  overloaded: 'ServiceUnavailableException',
}

export const bedrockDialect: Dialect = {
  provider: 'bedrock',
  // Signatures are not checked, only that there is one.
  apiKey: ({ authorization }) =>
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\//.exec(authorization ?? '')?.[1] ??
    bearerToken(authorization),
  failure: (kind, message) => ({
    status: kind === 'unauthorized' ? 403 : STATUS[kind],
    body: { message: wording(kind, message) },
    headers: { 'x-amzn-errortype': EXCEPTIONS[kind] },
  }),
  headers: (requestId) => ({ 'x-amzn-requestid': requestId }),
}

/** The message that ends a stream which failed. */
export function exceptionMessage(): Buffer {
  const headers = {
    ':exception-type': 'internalServerException',
    ':content-type': 'application/json',
    ':message-type': 'exception',
  }
  return eventMessage(headers, { message: 'The system encountered an unexpected error.' })
}

/** One event of a stream. */
export function eventOf(type: string, payload: object): Buffer {
  const headers = {
    ':event-type': type,
    ':content-type': 'application/json',
    ':message-type': 'event',
  }
  // As AWS pads its events, so that their length tells nothing.
  return eventMessage(headers, { ...payload, p: 'abcdefghijklm' })
}

function wording(kind: FailureKind, message: string): string {
  if (kind === 'model_not_found') return `The provided model identifier is invalid: ${message}`
  if (kind === 'unauthorized') return 'Missing Authentication Token'
  return message
}
