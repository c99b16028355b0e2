import { readFile } from 'node:fs/promises'
import { authenticate, mayStay } from '../middleware/authenticate.js'
import type { FindCaller } from '../middleware/callers.js'
import type { AskedUser, EstimateQuestion, RouteContext } from '../routes/context.js'
import { adminActions } from './admin-actions.js'
import { ApiRate } from './api-rate.js'
import { healthReport, type HealthReport } from './health.js'
import type { House } from './house.js'
import { factsOf } from './export/facts.js'
import { freshly } from './insight/freshly.js'
import { estimate, estimateSamples } from './insight/estimate.js'
import { globalUsage } from './insight/global-usage.js'
import { modelsUsage, type ModelsQuestion } from './insight/models.js'
import { LiveHour } from './insight/live-hour.js'
import { realtime, type Realtime } from './insight/realtime.js'
import { paced } from './insight/paced.js'
import { quota } from './insight/quota.js'
import { shared } from './insight/shared.js'
import { userUsage, type UserUsage } from './insight/user-usage.js'
import { users, type UsersQuery } from './insight/users.js'
import type { Config } from './config.js'
import { dayMs, type Span } from './time.js'
import { version } from './version.js'

/** How long answers that cost much and belong to nobody in particular are shared, ms. */
const shareMs = 1_000
/** Of what `/health` tells, what took long is shared so many times as long. */
const healthRests = 4

/** What comes to the API is no operation, nor is what will come. */
function discardBelow(meter: House['meter']): RouteContext['discard'] {
  return (names) =>
    function usageDiscard(req, _res, next) {
      meter.addOwn(req.baseUrl, names)
      meter.discard(req)
      next()
    }
}

/** Gives the routes the house's answers. */
export function createRouteContext(config: Config, house: House, find: FindCaller): RouteContext {
  const { clock, timezone, exposeCostToUsers } = config
  const { store, meter } = house
  const answers = freshAnswers(config, house)
  const ping = shared(() => store.ping(), shareMs, clock)
  const { apiRateLimit } = config
  const rate = apiRateLimit ? new ApiRate(apiRateLimit.perMinute, clock) : undefined
  return {
    timezone,
    exposeCostToUsers,
    discard: discardBelow(meter),
    openapi: () => readFile(packageFile('openapi.yaml'), 'utf8'),
    now: () => clock.now(),
    // What services send must not get lost, and monitoring must see.
    guard: (access) => authenticate(find, access, access === 'service' ? undefined : rate),
    isStillAdmin: mayStay(find, 'admin'),
    ...answers,
    estimate: (user, asked) => askEstimate(config, house, user, asked),
    quota: (user) => askQuota(config, house, user),
    ...adminActions(config, house),
    erase: (userId, actor) => house.eraser.request(userId, actor),
    facts: async (user) => factsOf(store, user.user_id, await askQuota(config, house, user)),
    metrics: metricsOf(config, house),
    onActivity: paced(
      (listener) => house.onActivity(listener),
      shareMs,
      () => house.isClosed,
    ),
    audit: (filter, after, limit) => store.audit.page(filter, after, limit),
    sortValue: (account, sort) => store.accounts.sortValue(account, sort),
    parseEvent: (input, sender) => house.parseEvent(input, sender),
    submit: (events) => house.submit(events),
    health: askHealth(config, house, ping, answers.realtime),
    isReady: () => house.ready().then(ping, () => false),
    isOpen: () => !house.isClosed,
  }
}

/** The answers that have in them what was done just before. */
function freshAnswers(config: Config, house: House) {
  const { clock, timezone } = config
  const { store, plans, limits } = house
  const way = { stored: () => house.stored(), oldestMs: () => house.ledger.stats().oldest_ms }
  const hour = new LiveHour(store, clock)
  const live = freshly(way, () => realtime(hour, store.logs, () => clock.now()))
  return {
    realtime: shared(live, shareMs, clock),
    userUsage: freshly(way, (user: AskedUser, span: Span, zone: string) =>
      askUserUsage(config, house, user, span, zone),
    ),
    globalUsage: freshly(way, (span: Span, zone: string) => globalUsage(store, span, zone)),
    modelsUsage: freshly(way, (question: ModelsQuestion) => askModels(config, house, question)),
    logs: freshly(way, (...page: Parameters<typeof store.logs.page>) => store.logs.page(...page)),
    users: freshly(way, async (query: UsersQuery) => {
      await limits.rules.ready()
      return users(store, plans, query, { now: clock.now(), timezone })
    }),
  }
}

function metricsOf({ metrics }: Config, house: House): RouteContext['metrics'] {
  return metrics && { public: metrics.public, expose: () => house.metrics.expose() }
}

/** The plan of a user: as an admin has set, as their token says, or as last seen. */
async function planOf({ trustTierClaim }: Config, house: House, asked: AskedUser) {
  const { store, plans } = house
  const { user_id, tier } = asked
  await house.limits.rules.ready()
  const seen = tier === undefined ? (await store.accounts.find(user_id))?.seen_tier : undefined
  const known = tier === undefined ? seen : trustTierClaim ? tier : undefined
  return plans.ofUser(user_id, known || undefined)
}

async function askQuota(config: Config, house: House, asked: AskedUser) {
  const { limiter, rules } = house.limits
  const plan = await planOf(config, house, asked)
  return quota(limiter, asked.user_id, plan, rules.orgLevelOf(asked.user_id, asked.org_id))
}

async function askUserUsage(
  config: Config,
  house: House,
  asked: AskedUser,
  span: Span,
  zone: string,
): Promise<UserUsage> {
  const { clock, timezone } = config
  const plan = await planOf(config, house, asked)
  return userUsage(house.store, {
    user_id: asked.user_id,
    span,
    timezone: zone,
    billingTimezone: plan.timezone ?? timezone,
    now: clock.now(),
    plan,
  })
}

/** How far back an estimate looks. */
const estimateDays = 90

async function askEstimate(config: Config, house: House, asked: AskedUser, kind: EstimateQuestion) {
  const { operation_type, model } = kind
  const since = new Date(config.clock.now() - estimateDays * dayMs)
  const [past, { limits }] = await Promise.all([
    house.store.logs.pastUses(asked.user_id, { ...kind, since }, estimateSamples),
    askQuota(config, house, asked),
  ])
  const named = { operation_type: operation_type ?? null, model: model ?? null }
  return estimate(named, past, limits, usualTokens(config, operation_type))
}

/** What is booked for an operation of which nothing is known. */
function usualTokens({ operations }: Config, type: string | undefined): number {
  return operations.find((one) => one.type === type)?.estimateTokens ?? 500
}

async function askModels({ clock }: Config, { store, prices }: House, question: ModelsQuestion) {
  await prices.ready()
  const today = new Date(clock.now())
  return modelsUsage(store, question, (usage) => prices.priceSum(usage, today))
}

function askHealth(
  { clock, spool }: Config,
  house: House,
  ping: () => Promise<boolean>,
  live: () => Promise<Realtime>,
): () => Promise<HealthReport> {
  const startedAt = clock.elapsed()
  // A database that answers pings and nothing else is not asked more often than one that is well.
  const known = shared(() => live().catch(() => undefined), shareMs, clock, healthRests)
  return async () => {
    const databaseUp = await ping()
    return healthReport({
      version,
      uptime_seconds: (clock.elapsed() - startedAt) / 1000,
      databaseUp,
      realtime: databaseUp ? await known() : undefined,
      ledger: house.ledger.stats(),
      maxEvents: house.ledger.maxEvents,
      hasSpool: spool !== false && spool.dir !== undefined,
      closed: house.isClosed,
      now: clock.now(),
    })
  }
}

/** A file of the package, from the sources (`src/`) as from the build (`dist/src/`). */
function packageFile(name: string): URL {
  const up = import.meta.url.endsWith('.ts') ? '..' : '../..'
  return new URL(`${up}/${name}`, import.meta.url)
}
