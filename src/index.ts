export { createUsage, type CloseReport, type Usage } from './usage.js'
export type { TrackOptions } from '../middleware/track.js'
export type { Identity } from './identity/identity.js'
export type { UsageOptions } from './options.js'
export type { AuthOptions, Algorithm } from './identity/auth-options.js'
export type { LimitOptions, PlanOptions } from './limits/plan-options.js'
export type { BudgetOptions, BudgetPreset } from './limits/budget-terms.js'
export type {
  BlockedNotice,
  LimitNotice,
  ThresholdNotice,
  UnpricedNotice,
  UsageNotices,
} from './notices/notice.js'
export type { OperationOptions } from './capture/operations.js'
export type { Reader } from './capture/readers/reader.js'
export type { Reading, TokenFigures } from './capture/reading.js'
export type { Origin } from './capture/origin.js'
export type { JsonObject, Json } from './capture/json.js'
export type { PrioritizeOptions } from './limits/prioritize-options.js'
export type { ProxyPath } from './proxy/dialects.js'
export type { ProxyOptions } from './proxy/options.js'
export type { Facts } from './capture/annotations.js'
export type { ExternalEventInput } from './ledger/external-event-input.js'
export type { UsageEvent, EventStatus, TokenSource } from './event.js'
export type { Logger } from './logger.js'
export type { Clock } from './clock.js'
export { UsageError, type ErrorCode } from './errors.js'
