import type { ErrorRequestHandler, Response } from 'express'
import { errorCodes, UsageError, type ErrorCode } from '../src/errors.js'
import { faultOf } from '../src/fault.js'
import type { Logger } from '../src/logger.js'

/** The body of every error answer. https://www.rfc-editor.org/rfc/rfc9457 */
export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  code: string
  [extension: string]: unknown
}

/** Answers with `application/problem+json`; where an answer has begun, ends it. */
export function sendProblem(res: Response, error: UsageError): void {
  if (res.headersSent) {
    if (!res.writableEnded) res.end()
    return
  }
  const entry: { title: string; status?: number } = errorCodes[error.code]
  const status = entry.status ?? 503
  const problem: Problem = {
    type: 'about:blank',
    title: entry.title,
    status,
    detail: error.message,
    code: error.code,
    ...error.details,
  }
  if (status === 503 && !res.hasHeader('Retry-After')) res.set('Retry-After', '1')
  res.set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' })
  res.status(status).type('application/problem+json')
  res.send(JSON.stringify(problem))
}

/** The last of our router's handlers: turns whatever went wrong into a problem, without details. */
export function createProblemHandler(logger: Logger): ErrorRequestHandler {
  return function usageProblemHandler(error: unknown, _req, res, next) {
    if (res.headersSent) {
      next(error)
      return
    }
    sendProblem(res, toUsageError(error, logger))
  }
}

function toUsageError(error: unknown, logger: Logger): UsageError {
  if (error instanceof UsageError) return error
  const fromParser = parserCodes.get(errorKind(error))
  if (fromParser) return new UsageError(fromParser.code, fromParser.detail)
  if (error instanceof URIError) {
    const details = { parameter: 'path' }
    return new UsageError('invalid_parameter', 'The path is malformed', { details })
  }
  if (isOfDecompression(error)) {
    return new UsageError('invalid_body', 'The body is not encoded as its Content-Encoding says')
  }
  logger.error(`usage: unexpected error: ${faultOf(error)}`)
  return new UsageError('internal', 'Something went wrong on our side')
}

/** What express.json calls its errors, in Express 4 and 5. */
const parserCodes = new Map<string, { code: ErrorCode; detail: string }>([
  ['entity.parse.failed', { code: 'invalid_body', detail: 'The body is not valid JSON' }],
  ['entity.too.large', { code: 'body_too_large', detail: 'The body is too large' }],
  [
    'encoding.unsupported',
    { code: 'invalid_body', detail: 'The content encoding is not supported' },
  ],
  ['charset.unsupported', { code: 'invalid_body', detail: 'The charset is not supported' }],
  ['request.aborted', { code: 'invalid_body', detail: 'The request was cut off' }],
  [
    'request.size.invalid',
    { code: 'invalid_body', detail: 'The body is not as long as announced' },
  ],
])

function errorKind(error: unknown): string {
  return typeof error === 'object' && error !== null && 'type' in error ? String(error.type) : ''
}

/** What zlib tells of bytes that are no gzip, deflate or brotli, or are cut off. */
function isOfDecompression(error: unknown): boolean {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^(?:Z_|ERR__ERROR_)/.test(code)
}
