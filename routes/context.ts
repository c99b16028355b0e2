import type { Request, RequestHandler } from 'express'
import type { Access } from '../middleware/authenticate.js'
import type { Realtime } from '../src/insight/realtime.js'
import type { ModelsQuestion, ModelsUsage } from '../src/insight/models.js'
import type { BudgetState } from '../src/insight/budget-state.js'
import type { Estimate } from '../src/insight/estimate.js'
import type { Quota } from '../src/insight/quota.js'
import type { UserUsage } from '../src/insight/user-usage.js'
import type { UserRow, UsersQuery } from '../src/insight/users.js'
import type { Plan } from '../src/limits/plan.js'
import type { UnrecordedEvent, UsageEvent } from '../src/event.js'
import type { ErasureDoc } from '../src/store/erasure-store.js'
import type { Fact } from '../src/export/facts.js'
import type { HealthReport } from '../src/health.js'
import type { Submitted } from '../src/ledger/submit.js'
import type { AccountDoc, AccountSettings } from '../src/store/account-store.js'
import type { AuditDoc, AuditFilter, AuditPosition } from '../src/store/audit-store.js'
import type { BudgetDoc, BudgetFilter } from '../src/store/budget-store.js'
import type { PlanDoc } from '../src/store/plan-store.js'
import type { PriceFilter, StoredPrice } from '../src/store/price-store.js'
import type { LogFilter, LogPosition } from '../src/store/log-store.js'
import type { Span } from '../src/time.js'

/** Whose usage is asked for. `tier`: as their token says, null for none; absent: as last seen. */
export interface AskedUser {
  readonly user_id: string
  readonly tier?: string | null
  /** The organisation, as their token says. */
  readonly org_id?: string
}

/** The kind of operation that an estimate is asked for; absent: of every kind. */
export interface EstimateQuestion {
  readonly operation_type?: string
  readonly model?: string
}

/** What can be done with stored prices; the actor is the user id of who does it. */
export interface PriceActions {
  page(filter: PriceFilter, after: string | undefined, limit: number): Promise<StoredPrice[]>
  create(input: unknown, actor: string): Promise<StoredPrice>
  change(id: string, input: unknown, actor: string): Promise<StoredPrice>
  remove(id: string, actor: string): Promise<StoredPrice>
}

/** What can be done with plans; the actor is the user id of who does it. */
export interface PlanActions {
  /** By name, each with what is stored of it. */
  list(): Promise<{ plan: Plan; doc: PlanDoc | undefined }[]>
  change(tier: string, input: unknown, actor: string): Promise<void>
  remove(tier: string, actor: string): Promise<void>
}

/** A budget, and how far it is used. */
export interface BudgetNow {
  readonly budget: BudgetDoc
  readonly state: BudgetState
}

/** What can be done with budgets; the actor is the user id of who does it. */
export interface BudgetActions {
  page(filter: BudgetFilter, after: string | undefined, limit: number): Promise<BudgetNow[]>
  find(id: string): Promise<BudgetNow>
  create(input: unknown, actor: string): Promise<BudgetNow>
  change(id: string, input: unknown, actor: string): Promise<BudgetNow>
  remove(id: string, actor: string): Promise<BudgetNow>
}

/** What became of erasing a user. */
export type Erased = Pick<ErasureDoc, 'pseudonym' | 'operations' | 'status'>

/** What the routes ask of the house. They never touch the database themselves. */
export interface RouteContext {
  readonly timezone: string
  readonly exposeCostToUsers: boolean
  now(): number
  guard(access: Access): RequestHandler
  /** Whether an admin who was let in still is one: tokens run out. */
  isStillAdmin(req: Request): Promise<boolean>
  userUsage(user: AskedUser, span: Span, timezone: string): Promise<UserUsage>
  estimate(user: AskedUser, asked: EstimateQuestion): Promise<Estimate>
  quota(user: AskedUser): Promise<Quota>
  globalUsage(span: Span, timezone: string): Promise<object>
  modelsUsage(question: ModelsQuestion): Promise<ModelsUsage>
  prices: PriceActions
  /** False: there are none. */
  metrics: { public: boolean; expose(): Promise<{ contentType: string; text: string }> } | false
  realtime(): Promise<Realtime>
  /** Calls back on activity, and when `realtime` has it; answers how to stop. */
  onActivity(listener: () => void): () => void
  logs(filter: LogFilter, after: LogPosition | undefined, limit: number): Promise<UsageEvent[]>
  /** Erases a user up to now, or begins to. */
  erase(userId: string, actor: string): Promise<Erased>
  /** Everything that is stored of a user, fact by fact. */
  facts(user: AskedUser): Promise<AsyncGenerator<readonly Fact[]>>
  /** Changes what is set for an account. */
  accounts: { change(userId: string, input: unknown, actor: string): Promise<AccountSettings> }
  plans: PlanActions
  budgets: BudgetActions
  audit(filter: AuditFilter, after: AuditPosition | undefined, limit: number): Promise<AuditDoc[]>
  users(query: UsersQuery): Promise<{ rows: UserRow[]; accounts: AccountDoc[] }>
  sortValue(account: AccountDoc, sort: UsersQuery['sort']): number | string | Date
  parseEvent(input: unknown, sender: string): UnrecordedEvent
  submit(events: readonly UnrecordedEvent[]): Promise<Submitted[]>
  health(): Promise<HealthReport>
  isReady(): Promise<boolean>
  isOpen(): boolean
  /** What comes here is no operation; `names` are the first parts of the paths. */
  discard(names: ReadonlySet<string>): RequestHandler
  /** The description of the HTTP API, YAML. */
  openapi(): Promise<string>
}
