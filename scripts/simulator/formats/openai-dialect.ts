import type { Dialect, FailureKind } from '../dialect.js'

const FAILURES: Record<FailureKind, { status: number; type: string; code: string | null }> = {
  bad_request: { status: 400, type: 'invalid_request_error', code: null },
  unauthorized: { status: 401, type: 'invalid_request_error', code: null },
  model_not_found: { status: 404, type: 'invalid_request_error', code: 'model_not_found' },
  not_found: { status: 404, type: 'invalid_request_error', code: 'unknown_url' },
  too_large: { status: 413, type: 'invalid_request_error', code: null },
  rate_limit: { status: 429, type: 'requests', code: 'rate_limit_exceeded' },
  server_error: { status: 500, type: 'server_error', code: null },
  overloaded: { status: 503, type: 'server_error', code: null },
}

export const openaiDialect: Dialect = {
  provider: 'openai',
  apiKey: ({ authorization }) => bearerToken(authorization),
  failure: (kind, message) => {
    const { status, ...error } = FAILURES[kind]
    return { status, body: { error: { message: wording(kind, message), param: null, ...error } } }
  },
  headers: (requestId) => ({ 'x-request-id': requestId, 'openai-version': '2020-10-01' }),
}

/** The token of an `Authorization: Bearer` header, undefined when there is none. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
}

function wording(kind: FailureKind, message: string): string {
  if (kind === 'model_not_found') {
    return `The model \`${message}\` does not exist or you do not have access to it.`
  }
  if (kind === 'not_found') return `Unknown request URL: ${message}.`
  if (kind === 'unauthorized') {
    return "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
  }
  return message
}
