import { Router, type ErrorRequestHandler, type RequestHandler } from 'express'
import { UsageError } from '../errors.js'
import { Episode } from '../ledger/episode.js'
import type { ProxyContext } from './context.js'
import { ClientGone, toRefusal } from './failure.js'
import { Handler } from './handler.js'
import { parseProxyOptions, type ProxyOptions } from './options.js'
import { SettleLater } from './settle-later.js'
import { Upstream } from './upstream.js'

/** A proxy and how to end it. */
export interface Proxy {
  readonly router: Router
  close(): void
}

/**
 * A metered reverse proxy to one provider.
 * @throws UsageError `invalid_option`
 */
export function createProxy(context: ProxyContext, options: ProxyOptions): Proxy {
  const config = parseProxyOptions(options)
  const upstream = new Upstream(config.baseUrl, config.timeoutMs, context.clock)
  const settle = new SettleLater(context, config, upstream)
  const handler = new Handler(context, config, upstream, settle)
  const serve: RequestHandler = function usageProxy(req, res, next) {
    handler.serve(req, res, next).catch(next)
  }
  const router = Router({ mergeParams: true })
  router.use(serve)
  router.use(createRefusals(context, config.dialect.provider))
  router.use(context.problems)
  return {
    router,
    close: () => {
      settle.close()
      upstream.close()
    },
  }
}

/** Gives errors the shape that SDKs read, and the operator one line an episode of lost providers. */
function createRefusals({ clock, logger }: ProxyContext, provider: string): ErrorRequestHandler {
  let last = ''
  const lost = new Episode(clock, (count) =>
    logger.warn(`usage: proxy to ${provider}: ${last}, ${count} times`),
  )
  return function usageProxyRefusals(error: unknown, _req, res, next) {
    if (error instanceof ClientGone) {
      res.destroy()
      return
    }
    if (!(error instanceof UsageError)) {
      next(error)
      return
    }
    if (error.code.startsWith('upstream_')) {
      last = error.code
      lost.happened()
    }
    next(toRefusal(error))
  }
}
