import type { Request } from 'express'

/**
 * Holds a body back that flows already, since something mounted before reads along: it would be over
 * before a handler that comes in a later turn listens. Answers how to let it go on, to be called just
 * before that handler; undefined where nothing flows.
 */
export function holdBody(req: Request): (() => void) | undefined {
  // Test doubles of requests are no streams.
  if (!('_readableState' in req) || req.readableFlowing !== true) return undefined
  req.pause()
  let isHeld = true
  return () => {
    if (isHeld) req.resume()
    isHeld = false
  }
}
