import type { Request } from 'express'
import type { Connection } from 'mongoose'
import type { OutboundHosts } from './capture/capture-options.js'
import type { OperationOptions } from './capture/operations.js'
import type { Reader } from './capture/readers/reader.js'
import type { Clock } from './clock.js'
import type { AuthConfig } from './identity/auth-options.js'
import type { Identity } from './identity/identity.js'
import type { LedgerConfig } from './ledger/ledger-options.js'
import type { SpoolConfig } from './ledger/spool/spool-options.js'
import type { Plan } from './limits/plan.js'
import type { Logger } from './logger.js'
import type { MaybePromise } from './maybe-promise.js'
import type { RetentionConfig } from './retention/retention-options.js'
import type { PricingConfig } from './pricing/pricing-options.js'

/** `UsageOptions`, checked, with defaults, frozen. */
export interface Config {
  readonly connection: Connection | undefined
  readonly mongoUri: string | undefined
  readonly auth: AuthConfig | undefined
  readonly identify: ((req: Request) => MaybePromise<Identity | undefined>) | undefined
  readonly operations: readonly OperationOptions[]
  readonly idempotencyKey: ((req: Request) => string | undefined) | undefined
  readonly trustTierClaim: boolean
  readonly plans: ReadonlyMap<string, Plan>
  readonly defaultPlan: string
  readonly orgPlan: string | undefined
  readonly globalPlan: string | undefined
  readonly onStoreError: Plan['onStoreError']
  readonly anonymous: 'track' | 'refuse'
  readonly metadata: ReadonlySet<string>
  readonly capture: {
    readonly maxBodyBytes: number
    readonly readers: readonly Reader[]
    readonly outbound: boolean | OutboundHosts
  }
  readonly ledger: LedgerConfig
  readonly spool: SpoolConfig | false
  readonly rollup: { readonly cron: string; readonly enabled: boolean }
  readonly retention: RetentionConfig
  readonly pricing: PricingConfig
  readonly metrics: { readonly public: boolean } | false
  readonly apiRateLimit: { readonly perMinute: number } | false
  readonly timezone: string
  readonly exposeCostToUsers: boolean
  readonly logger: Logger
  readonly clock: Clock
}
