import type { Response } from 'express'

/** Sets a header, unless it comes too late: a response may have begun before it was tracked. */
export function setHeader(res: Response, name: string, value: string): void {
  if (!res.headersSent) res.set(name, value)
}
