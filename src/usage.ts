import type { IncomingMessage } from 'node:http'
import type { RequestHandler, Router } from 'express'
import { admit } from '../middleware/authenticate.js'
import { createFindCaller, type FindCaller } from '../middleware/callers.js'
import { createPrioritize } from '../middleware/prioritize.js'
import { heldToPlan } from '../middleware/limit.js'
import { createProblemHandler } from '../middleware/problem.js'
import { createStandingOf } from '../middleware/standing.js'
import { createTrack, type TrackOptions } from '../middleware/track.js'
import { createHealth } from '../routes/machines.js'
import { createRouter } from '../routes/router.js'
import type { Capture, Subject } from './capture/capture.js'
import type { Facts } from './capture/annotations.js'
import { endingMs, within } from './deadline.js'
import { isProduction } from './environment.js'
import { UsageError } from './errors.js'
import { House } from './house.js'
import { anonymousUserId } from './identity/user-id.js'
import { createVerifier } from './identity/verifier.js'
import type { PrioritizeOptions } from './limits/prioritize-options.js'
import type { ExternalEventInput } from './ledger/external-event-input.js'
import { andThen } from './maybe-promise.js'
import type { UsageNotices } from './notices/notice.js'
import type { Config } from './config.js'
import { parseOptions, type UsageOptions } from './options.js'
import type { ProxyContext } from './proxy/context.js'
import type { ProxyOptions } from './proxy/options.js'
import { createProxy } from './proxy/proxy.js'
import { createRouteContext } from './route-context.js'
import { openPools, poolsOf, type OwnPools, type Pools } from './store/pools.js'
import { untilEnd } from './until-end.js'

/** What `close` leaves. */
export interface CloseReport {
  /** True when every accepted event is in `usage_logs`. */
  flushed: boolean
  /** Accepted events that wait on disk for the next process. */
  left_in_spool: number
}

/** A mounted meter. */
export interface Usage {
  /**
   * Meters every AI operation that passes. With options, everything that passes is that one operation.
   */
  track(options?: TrackOptions): RequestHandler
  /** The HTTP API, for `app.use('/ai/usage', usage.router())`. */
  router(): Router
  /** The public health handler. */
  health(): RequestHandler
  /**
   * A metered reverse proxy to an AI provider: the mount path stands for the provider's base URL,
   * the key stays here. Meters by itself; needs no body parser before it.
   * @throws UsageError `invalid_option`, naming option, rule and value (never a key)
   */
  proxy(options: ProxyOptions): Router
  /**
   * Lets at most `concurrency` AI requests through at once in this process; the rest wait: higher
   * plans first, users of one plan in turn. 503 `overloaded` for those that wait too long, or when too
   * many wait. Fills `queue_wait_ms`.
   * @throws UsageError `invalid_option`, naming option, rule and value
   */
  prioritize(options: PrioritizeOptions): RequestHandler
  /** Adds what only the handler knows; the last value of a field wins. Never throws. */
  annotate(req: IncomingMessage, facts: Facts): void
  /**
   * Records an operation that had no HTTP request. Resolves when it is accepted, or was before.
   * Rejects with `invalid_event`, `conflict` (the id was used for another event) or `queue_full`, and
   * `closed` after `close()`.
   */
  record(event: ExternalEventInput): Promise<{ outcome: 'accepted' | 'duplicate' }>
  /**
   * Calls back when a threshold of a limit or budget is reached, a limit is used up or refuses, a
   * blocked account tries, or a model without a price is used: once per subject, period and threshold
   * over all instances that listen. Answers how to stop.
   * @throws UsageError `invalid_option` for another type
   */
  on<T extends keyof UsageNotices>(
    type: T,
    listener: (notice: UsageNotices[T]) => unknown,
  ): () => void
  /**
   * Resolves when the spool is open, prices are loaded, indexes exist and the first write can go
   * through; rejects, with the former two done, if MongoDB does not answer or refuses.
   */
  ready(): Promise<void>
  /**
   * Resolves when every event accepted before the call is in `usage_logs`; calls share it. An
   * operation whose provider calls outlive its response is accepted when they end: it is waited for
   * at most a second, and follows by itself after that.
   * @throws UsageError `closed`, when `close` ended before that
   */
  flush(): Promise<void>
  /**
   * Stops cron, takes nothing more, writes what there is until the deadline (10,000 ms), and closes
   * only what is ours. Idempotent.
   */
  close(options?: { deadlineMs?: number }): Promise<CloseReport>
}

/**
 * Makes a meter. Synchronous, opens nothing that blocks.
 * @throws UsageError `invalid_option`, naming option, rule and value
 */
export function createUsage(options: UsageOptions): Usage {
  const config = parseOptions(options, isProduction())
  for (const warning of config.auth?.warnings ?? []) config.logger.warn(`usage: ${warning}`)
  const { pools, own } = connect(config)
  const find = createFindCaller(config, config.auth && createVerifier(config.auth, config.clock))
  const house = new House(config, pools, find)
  const context = createRouteContext(config, house, find)
  const { meter } = house
  const { clock, logger } = config
  const waiting = { meter, clock, logger, standingOf: createStandingOf(house, find) }
  const tracking = trackContext(config, house, find)
  const proxies: { close(): void }[] = []
  const ended = new AbortController()
  return {
    track: (trackOptions) => createTrack(tracking, trackOptions),
    router: () => createRouter(context, config.logger),
    health: () => healthOf(context, house),
    proxy: (proxyOptions) => {
      const proxy = createProxy(proxyContext(config, house, find), proxyOptions)
      proxies.push(proxy)
      return proxy.router
    },
    prioritize: (lineOptions) => createPrioritize(waiting, lineOptions),
    annotate: (req, facts) => meter.annotate(req, facts),
    record: (event) => record(house, event),
    on: (type, listener) => house.notices.on(type, listener),
    ready: async () => {
      await Promise.all([house.ledger.opened(), house.prices.ready()])
      await house.ready()
    },
    flush: () => untilEnd(house.flush(), ended.signal),
    close: async ({ deadlineMs = 10_000 } = {}) => {
      const report = await house.close(deadlineMs)
      ended.abort()
      if (own) await within(own.close(), endingMs)
      for (const proxy of proxies) proxy.close()
      return report
    },
  }
}

function healthOf(context: ReturnType<typeof createRouteContext>, { meter }: House) {
  return createHealth(
    () => context.health(),
    (req) => meter.discard(req),
  )
}

function trackContext(config: Config, house: House, find: FindCaller) {
  return {
    meter: house.meter,
    find,
    anonymous: config.anonymous,
    ask: (one: Capture, subject: Subject | undefined) => {
      // A host's `identify` may know who it is later: then it can only be counted.
      const who = subject ?? (config.identify ? undefined : anonymous)
      return who && house.limits.admissions.ask(one, who)
    },
    now: () => config.clock.now(),
    enter: (one: Capture, next: () => void) => house.entrance.enter(one, next),
  }
}

const anonymous = { user_id: anonymousUserId }

function proxyContext(config: Config, house: House, find: FindCaller): ProxyContext {
  const keys = config.auth?.keys
  return {
    meter: house.meter,
    clock: config.clock,
    logger: config.logger,
    find,
    admit: (res, verdict) => admit(res, verdict, 'user'),
    ask: (capture, res) => {
      // `track` may have asked before.
      if (capture.reservation !== undefined) return true
      const asked = house.limits.admissions.ask(capture, capture.subject ?? anonymous)
      const held = asked && heldToPlan(capture, res, asked, () => config.clock.now())
      return andThen(held ?? true, (mayGoOn) => {
        return mayGoOn ? andThen(house.entrance.begin(capture), () => true) : false
      })
    },
    problems: createProblemHandler(config.logger),
    correct: (id, correction) => house.correct(id, correction),
    secret: keys?.kind === 'secret' ? keys.secrets[0] : undefined,
  }
}

/** The host's connection, or ours. */
function connect({ connection, mongoUri, logger }: Config): { pools: Pools; own?: OwnPools } {
  if (connection !== undefined) return { pools: poolsOf(connection) }
  const own = openPools(mongoUri ?? '', logger)
  return { pools: own, own }
}

async function record(house: House, input: ExternalEventInput) {
  if (house.isClosed) throw new UsageError('closed', 'The meter is closed')
  const event = house.parseEvent(input, 'record')
  const [submitted] = await house.submit([event])
  if (submitted === undefined) throw new UsageError('closed', 'The meter is closed')
  if (submitted.outcome === 'rejected') throw new UsageError(submitted.code, submitted.detail)
  return { outcome: submitted.outcome }
}
