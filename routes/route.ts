import type { Request, RequestHandler, Response } from 'express'

/** One entry of the flat router; openapi.yaml names exactly these. */
export interface Route {
  readonly method: 'get' | 'post' | 'patch' | 'delete'
  /** Express path below the mount path. */
  readonly path: string
  readonly handlers: readonly RequestHandler[]
}

/** A handler that may wait; what it rejects with reaches the problem handler on Express 4 too. */
export function handle(
  work: (req: Request, res: Response) => Promise<void> | void,
): RequestHandler {
  return function usageRoute(req, res, next) {
    Promise.resolve()
      .then(() => work(req, res))
      .catch(next)
  }
}
