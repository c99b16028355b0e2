/**
 * Every error this package raises or answers with. `status` is the HTTP status where the error
 * reaches a client; a code without one only reaches the host's own code.
 */
export const errorCodes = {
  invalid_option: { title: 'Invalid option' },
  not_ready: { title: 'Not ready' },
  closed: { title: 'Closed' },
  invalid_parameter: { title: 'Invalid parameter', status: 400 },
  invalid_body: { title: 'Invalid body', status: 400 },
  unauthorized: { title: 'Unauthorized', status: 401 },
  forbidden: { title: 'Forbidden', status: 403 },
  path_not_allowed: { title: 'Path not allowed', status: 403 },
  model_not_allowed: { title: 'Model not allowed', status: 403 },
  account_blocked: { title: 'Account blocked', status: 403 },
  not_found: { title: 'Not found', status: 404 },
  method_not_allowed: { title: 'Method not allowed', status: 405 },
  conflict: { title: 'Conflict', status: 409 },
  body_too_large: { title: 'Body too large', status: 413 },
  invalid_event: { title: 'Invalid event', status: 422 },
  invalid_price: { title: 'Invalid price', status: 422 },
  invalid_plan: { title: 'Invalid plan', status: 422 },
  invalid_budget: { title: 'Invalid budget', status: 422 },
  invalid_account: { title: 'Invalid account', status: 422 },
  not_erasable: { title: 'Not erasable', status: 422 },
  quota_exceeded: { title: 'Quota exceeded', status: 429 },
  rate_limited: { title: 'Rate limited', status: 429 },
  internal: { title: 'Internal error', status: 500 },
  upstream_unreachable: { title: 'Provider unreachable', status: 502 },
  store_unavailable: { title: 'Store unavailable', status: 503 },
  overloaded: { title: 'Overloaded', status: 503 },
  queue_full: { title: 'Queue full', status: 503 },
  upstream_timeout: { title: 'Provider timed out', status: 504 },
} as const satisfies Record<string, { title: string; status?: number }>

export type ErrorCode = keyof typeof errorCodes

/** The one error class: branch on `code`, never on the message. */
export class UsageError extends Error {
  readonly code: ErrorCode
  /** What the case adds for the client: never secrets, never another user's data. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'UsageError'
    this.code = code
    this.details = options.details ?? {}
  }
}
