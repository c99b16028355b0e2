/** Who is asking, as a verified token says. Frozen. */
export interface Caller {
  readonly user_id: string
  /** Exactly as in the token; case matters. */
  readonly roles: readonly string[]
  /** Has the role `admin`. */
  readonly is_admin: boolean
  /** Has the role `service`. */
  readonly is_service: boolean
  readonly tier?: string
  readonly org_id?: string
}

/**
 * - `missing`: no Authorization header, or one of another scheme than Bearer
 * - `malformed`: not a Bearer header with a signed JWT of at most 8 KiB
 * - `duplicate_header`: several Authorization headers
 * - `expired`, `not_active`: `exp` is over; `nbf` or `iat` lies ahead
 * - `bad_signature`: signed with another key or algorithm than the configured ones
 * - `bad_claims`: well signed, but a claim is missing, not acceptable or of the wrong type
 * - `keys_unavailable`: the issuer's keys can't be had now; not the caller's fault (503)
 */
export type RejectReason =
  | 'missing'
  | 'malformed'
  | 'duplicate_header'
  | 'expired'
  | 'not_active'
  | 'bad_signature'
  | 'bad_claims'
  | 'keys_unavailable'

export interface Rejection {
  readonly ok: false
  readonly reason: RejectReason
  /** A fixed sentence, safe to send as `error_description` of WWW-Authenticate (RFC 6750 §3). */
  readonly description: string
  /** For the operator's log, never for the client. */
  readonly cause?: unknown
}

export type Verdict = { readonly ok: true; readonly caller: Caller } | Rejection

export function reject(reason: RejectReason, description: string, cause?: unknown): Rejection {
  return { ok: false, reason, description, ...(cause === undefined ? {} : { cause }) }
}
