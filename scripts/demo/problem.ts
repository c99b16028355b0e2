import type { ErrorRequestHandler } from 'express'
import * as z from 'zod'

export type ProblemCode =
  | 'bad_request'
  | 'method_not_allowed'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'upstream_failed'
  | 'upstream_rate_limited'
  | 'upstream_rejected'
  | 'upstream_timeout'
  | 'internal_error'

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  504: 'Gateway Timeout',
}

export interface ProblemExtras {
  /** Each thing wrong with the input: where, and why. */
  readonly errors?: readonly { readonly path: string; readonly message: string }[]
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer in RFC 9457 form, thrown. */
export class Problem extends Error {
  readonly status: number
  readonly code: ProblemCode
  readonly extras: ProblemExtras

  constructor(status: number, code: ProblemCode, detail: string, extras: ProblemExtras = {}) {
    super(detail)
    this.name = 'Problem'
    this.status = status
    this.code = code
    this.extras = extras
  }
}

/** Answers every error of the demo as `application/problem+json`. */
export const sendProblem: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  // The client has left, and nobody waits for an answer.
  if (response.destroyed) return
  if (response.headersSent) {
    next(error)
    return
  }
  const { code, extras, message, status } = problemOf(error)
  const title = TITLES[status]
  response
    .status(status)
    .set({ ...extras.headers, 'content-type': 'application/problem+json' })
    .send(
      JSON.stringify({
        type: 'about:blank',
        title,
        status,
        detail: message,
        code,
        ...(extras.errors && { errors: extras.errors }),
      }),
    )
}

// What express.json() throws: http-errors with a status and a message made for the client.
const httpError = z.object({ status: z.int().min(400).max(499), message: z.string() })

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  const parsed = httpError.safeParse(error)
  if (!parsed.success) return new Problem(500, 'internal_error', 'The demo failed.')
  const { status, message } = parsed.data
  if (status === 413) return new Problem(413, 'payload_too_large', 'The body exceeds 1 MB.')
  if (status === 415) return new Problem(415, 'unsupported_media_type', message)
  return new Problem(400, 'bad_request', `The body cannot be read: ${message}`)
}
