import type { Dialect, FailureKind } from '../dialect.js'
import { STATUS } from './status.js'

const NAMES: Readonly<Record<FailureKind, string>> = {
  bad_request: 'INVALID_ARGUMENT',
  unauthorized: 'PERMISSION_DENIED',
  model_not_found: 'NOT_FOUND',
  not_found: 'NOT_FOUND',
  too_large: 'INVALID_ARGUMENT',
  rate_limit: 'RESOURCE_EXHAUSTED',
  server_error: 'INTERNAL',
  overloaded: 'UNAVAILABLE',
}

export const geminiDialect: Dialect = {
  provider: 'google',
  apiKey: ({ 'x-goog-api-key': key }, query) =>
    (typeof key === 'string' && key) || (query.get('key') ?? undefined),
  failure: (kind, message) => {
    const code = kind === 'unauthorized' ? 403 : STATUS[kind]
    const error = { code, message: wording(kind, message), status: NAMES[kind] }
    return { status: code, body: { error } }
  },
  headers: () => ({}),
}

function wording(kind: FailureKind, message: string): string {
  if (kind === 'model_not_found') {
    return `models/${message} is not found for API version v1beta, or is not supported for generateContent.`
  }
  if (kind === 'unauthorized') {
    return "Method doesn't allow unregistered callers. Please use API Key or other form of API consumer identity to call this API."
  }
  return message
}
