import type { Request } from 'express'
import type { Connection } from 'mongoose'
import * as z from 'zod'
import { apiRateLimitSchema, type ApiRateLimit } from './api-rate.js'
import { captureSchema, type OutboundHosts } from './capture/capture-options.js'
import { defaultOperations, type OperationOptions } from './capture/operations.js'
import { operationsSchema } from './capture/operation-schema.js'
import type { Reader } from './capture/readers/reader.js'
import { systemClock, type Clock } from './clock.js'
import type { Config } from './config.js'
import type { Identity } from './identity/identity.js'
import type { MaybePromise } from './maybe-promise.js'
import type { AuthOptions } from './identity/auth-options.js'
import { parseAuthOptions } from './identity/auth-options.js'
import { invalidOption, shown } from './identity/invalid-option.js'
import { ledgerSchema } from './ledger/ledger-options.js'
import { spoolSchema } from './ledger/spool/spool-options.js'
import { describe } from './option-issue.js'
import { plansOf, plansSchema, type PlanOptions } from './limits/plan-options.js'
import { consoleLogger, lineByLine, type Logger } from './logger.js'
import type { PriceOverride } from './pricing/override.js'
import { pricingOptions } from './pricing/pricing-options.js'
import { retentionSchema } from './retention/retention-options.js'
import { isTimezone } from './time.js'

/** The options of `createUsage`. One of `connection` and `mongoUri`, and `auth` or `identify`, are due. */
export interface UsageOptions {
  /** The host's mongoose connection (8 or 9); stays the host's, is never closed by us. */
  connection?: Connection | undefined
  /** Or a MongoDB URI: then the connection is ours, opened at once and closed by `close()`. */
  mongoUri?: string | undefined
  /** How Bearer tokens are verified. */
  auth?: AuthOptions | undefined
  /** Says who a request belongs to, instead of the Bearer token; undefined = unknown. */
  identify?: ((req: Request) => MaybePromise<Identity | undefined>) | undefined
  /** The host's own AI operations, matched before the built-in ones. Default: none. */
  operations?: readonly OperationOptions[] | undefined
  /** Names retries that the host answers from memory: those count once per user and key. */
  idempotencyKey?: ((req: Request) => string | undefined) | undefined
  /** Whether the verified `tier` claim chooses the plan. Default true. */
  trustTierClaim?: boolean | undefined
  /**
   * What each tier may use, over the built-in plans: free, basic, pro, enterprise (10,000, 50,000,
   * 200,000 and 1,000,000 tokens a month) and beta.
   */
  plans?: Readonly<Record<string, PlanOptions>> | undefined
  /** What happens to requests under limits while MongoDB does not answer. Default 'open'. */
  onStoreError?: 'open' | 'closed' | undefined
  /** Plan of users without a known tier. Default 'free'. */
  defaultPlan?: string | undefined
  /** Plan that each organisation (`org` of the token) is held to as a whole. Default: none. */
  orgPlan?: string | undefined
  /** Plan that all users together are held to. Default: none. */
  globalPlan?: string | undefined
  /** Requests of nobody in particular: counted for `anonymous`, or refused with 401. Default 'track'. */
  anonymous?: 'track' | 'refuse' | undefined
  /** The metadata keys that `annotate` and events may set, at most 10. Default: none. */
  metadata?: readonly string[] | undefined
  capture?:
    | {
        /** Of larger JSON responses only the end is read, compressed ones are not, bytes. Default 1 MiB. */
        maxBodyBytes?: number | undefined
        /** The host's own readers of wire formats, asked before the built-in ones. Default: none. */
        readers?: readonly Reader[] | undefined
        /**
         * Whether the host's own calls to AI providers are observed, and at which base URLs besides
         * the known ones: `{ hosts: ['http://127.0.0.1:9000'] }`. Default true.
         */
        outbound?: boolean | OutboundHosts | undefined
      }
    | undefined
  /** The queue between responses and MongoDB. */
  ledger?:
    | {
        /** Events held in memory at most. Default 100,000. */
        maxEvents?: number | undefined
        /** Events written at once at most. Default 500. */
        batchSize?: number | undefined
        /** How long an event waits for others, ms. Default 50. */
        lingerMs?: number | undefined
      }
    | undefined
  /** The disk on which events wait that MongoDB does not have yet; false: they wait in memory only. */
  spool?:
    | {
        /** A directory for apps of one database. Default: one of the app's own under `os.tmpdir()`. */
        dir?: string | undefined
        /** What a power cut may take: 'interval' 200 ms, 'strict' nothing, 'off' anything. Default 'interval'. */
        fsync?: 'interval' | 'strict' | 'off' | undefined
        /** What the directory may hold, bytes. Default 1 GiB. */
        maxBytes?: number | undefined
        /** Without room on disk: 'memory' holds what `ledger.maxEvents` allows, 'refuse' nothing. Default 'memory'. */
        whenFull?: 'memory' | 'refuse' | undefined
      }
    | false
    | undefined
  rollup?:
    | {
        /** When closed windows are rolled up, cron with optional seconds. Default every minute. */
        cron?: string | undefined
        /** False: this instance answers and writes, but leaves rolling up to others. Default true. */
        enabled?: boolean | undefined
      }
    | undefined
  /** How long raw logs are kept; their sums are for ever. Default: everything for ever. */
  retention?:
    | {
        /** Whole UTC days that are longer ago than this lose their raw logs; 36 or more. */
        logsDays: number
      }
    | undefined
  /** What tokens cost, where the provider does not say. */
  pricing?:
    | {
        /** Prices of the host's own, before the catalogue's. Stored ones (`/prices`) go before them. */
        overrides?: readonly PriceOverride[] | undefined
        /** False: only own prices count. Default true: `@pydantic/genai-prices`, loaded when needed. */
        catalogue?: boolean | undefined
        /** A catalogue that `npm run prices:update` wrote, instead of the one that comes along. */
        catalogueFile?: string | undefined
      }
    | undefined
  /** `/metrics` for Prometheus: `public` opens it without a token, false removes it. */
  metrics?: { public?: boolean | undefined } | false | undefined
  /** How often each user may ask the HTTP API, in each process. Default 300 a minute. */
  apiRateLimit?: ApiRateLimit | false | undefined
  /** IANA zone of billing months, and of answers that ask for none. Default 'UTC'. */
  timezone?: string | undefined
  /** Whether users see `total_cost_usd` in `/me`. Default false. */
  exposeCostToUsers?: boolean | undefined
  /** Default: warnings and errors to the console. */
  logger?: Logger | undefined
  /** For tests. */
  clock?: Clock | undefined
}

const call = z.custom<(...args: unknown[]) => unknown>((value) => typeof value === 'function')
const name = /^[\w.-]{1,64}$/
const methodsOf = (...names: string[]) =>
  z.custom<object>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      names.every((key) => typeof Reflect.get(value, key) === 'function'),
    `must be an object with the methods ${names.join(', ')}`,
  )

const schema = z.strictObject({
  connection: methodsOf('asPromise', 'model', 'collection').optional(),
  mongoUri: z
    .string()
    .regex(/^mongodb(\+srv)?:\/\//, 'must begin with mongodb:// or mongodb+srv://')
    .optional(),
  auth: z.unknown().optional(),
  identify: call.optional(),
  operations: operationsSchema,
  idempotencyKey: call.optional(),
  trustTierClaim: z.boolean().default(true),
  plans: plansSchema,
  onStoreError: z.enum(['open', 'closed']).default('open'),
  defaultPlan: z.string().default('free'),
  orgPlan: z.string().optional(),
  globalPlan: z.string().optional(),
  anonymous: z.enum(['track', 'refuse']).default('track'),
  metadata: z.array(z.string().regex(name)).max(10).default([]),
  capture: captureSchema,
  ledger: ledgerSchema,
  spool: spoolSchema,
  rollup: z
    .strictObject({ cron: z.string().default('* * * * *'), enabled: z.boolean().default(true) })
    .prefault({}),
  retention: retentionSchema,
  pricing: pricingOptions,
  metrics: z
    .union([z.strictObject({ public: z.boolean().default(false) }), z.literal(false)])
    .prefault({}),
  apiRateLimit: apiRateLimitSchema,
  timezone: z.string().refine(isTimezone, 'must be an IANA time zone').default('UTC'),
  exposeCostToUsers: z.boolean().default(false),
  logger: methodsOf('info', 'warn', 'error').optional(),
  clock: methodsOf('now', 'elapsed').optional(),
})

/**
 * Checks all options at once.
 * @throws UsageError `invalid_option`, naming option, rule and value
 */
export function parseOptions(options: UsageOptions, production: boolean): Config {
  const parsed = schema.safeParse(options)
  if (!parsed.success) throw describe(parsed.error.issues[0], options)
  const { data } = parsed
  if ((options.connection === undefined) === (options.mongoUri === undefined)) {
    const given = options.connection === undefined ? 'neither' : 'both'
    throw invalidOption('connection', 'or mongoUri must be given, and not both', given)
  }
  if (options.auth === undefined && options.identify === undefined) {
    throw invalidOption('auth', 'or identify must be given', 'neither')
  }
  const plans = plansOf(data.plans, data.onStoreError)
  for (const option of ['defaultPlan', 'orgPlan', 'globalPlan'] as const) {
    const tier = data[option]
    if (tier === undefined || plans.has(tier)) continue
    throw invalidOption(option, `must be one of ${[...plans.keys()].join(', ')}`, shown(tier))
  }
  return Object.freeze({
    ...data,
    plans,
    retention: data.retention,
    orgPlan: data.orgPlan,
    globalPlan: data.globalPlan,
    connection: options.connection,
    mongoUri: options.mongoUri,
    auth: options.auth === undefined ? undefined : parseAuthOptions(options.auth, production),
    identify: options.identify,
    idempotencyKey: options.idempotencyKey,
    operations: Object.freeze([...(options.operations ?? []), ...defaultOperations]),
    metadata: new Set(data.metadata),
    logger: lineByLine(options.logger ?? consoleLogger),
    clock: options.clock ?? systemClock,
  })
}
