import express, { type RequestHandler } from 'express'
import { UsageError } from '../src/errors.js'

/** Reads a JSON body of at most so many bytes; an empty one is none, not an empty object. */
export function jsonBody(limit: string): RequestHandler {
  return express.json({
    limit,
    strict: true,
    verify: (_req, _res, bytes) => {
      if (bytes.length === 0) throw new UsageError('invalid_body', 'The body is empty')
    },
  })
}
