import type { FailureKind } from '../dialect.js'

/** HTTP statuses of the providers that keep to the usual ones. */
export const STATUS: Readonly<Record<FailureKind, number>> = {
  bad_request: 400,
  unauthorized: 401,
  model_not_found: 404,
  not_found: 404,
  too_large: 413,
  rate_limit: 429,
  server_error: 500,
  overloaded: 503,
}
