import type { Dialect, FailureKind } from '../dialect.js'
import { bearerToken } from './openai-dialect.js'

const FAILURES: Record<FailureKind, { status: number; type: string }> = {
  bad_request: { status: 400, type: 'invalid_request_error' },
  unauthorized: { status: 401, type: 'authentication_error' },
  model_not_found: { status: 404, type: 'not_found_error' },
  not_found: { status: 404, type: 'not_found_error' },
  too_large: { status: 413, type: 'request_too_large' },
  rate_limit: { status: 429, type: 'rate_limit_error' },
  server_error: { status: 500, type: 'api_error' },
  overloaded: { status: 529, type: 'overloaded_error' },
}

export const anthropicDialect: Dialect = {
  provider: 'anthropic',
  apiKey: ({ authorization, 'x-api-key': key }) =>
    (typeof key === 'string' && key) || bearerToken(authorization),
  failure: (kind, message, requestId) => {
    const { status, type } = FAILURES[kind]
    const error = { type, message: wording(kind, message) }
    return { status, body: { type: 'error', error, request_id: requestId } }
  },
  headers: (requestId) => ({ 'request-id': requestId }),
}

function wording(kind: FailureKind, message: string): string {
  if (kind === 'model_not_found') return `model: ${message}`
  if (kind === 'unauthorized') return 'x-api-key header is required'
  if (kind === 'overloaded') return 'Overloaded'
  return message
}
