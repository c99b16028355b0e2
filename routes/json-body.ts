import express, { type Request, type RequestHandler } from 'express'
import { UsageError } from '../src/errors.js'

/**
 * Reads a JSON body of at most so many bytes; an empty one is none, not an empty object. One that the
 * host has read before, as bytes or text, is parsed here.
 */
export function jsonBody(maxBytes: number): RequestHandler {
  const read = express.json({
    limit: maxBytes,
    strict: true,
    verify: (_req, _res, bytes) => {
      if (bytes.length === 0) throw new UsageError('invalid_body', 'The body is empty')
    },
  })
  return function usageJsonBody(req, res, next) {
    read(req, res, (error: unknown) => {
      if (error !== undefined) {
        next(error)
        return
      }
      try {
        parseRead(req, maxBytes)
        next()
      } catch (failure) {
        next(failure)
      }
    })
  }
}

function parseRead(req: Request, maxBytes: number): void {
  const body: unknown = req.body
  const isBytes = Buffer.isBuffer(body)
  if ((!isBytes && typeof body !== 'string') || req.is('json') !== 'json') return
  if (Buffer.byteLength(body) > maxBytes)
    throw new UsageError('body_too_large', 'The body is too large')
  if (body.length === 0) throw new UsageError('invalid_body', 'The body is empty')
  try {
    req.body = JSON.parse(String(body)) as unknown
  } catch {
    throw new UsageError('invalid_body', 'The body is not valid JSON')
  }
}
