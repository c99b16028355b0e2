import type { Connection } from 'mongoose'
import { accountModel } from '../../models/account.js'
import { auditModel } from '../../models/audit.js'
import { budgetModel } from '../../models/budget.js'
import { counterModel } from '../../models/counter.js'
import { leaseModel } from '../../models/lease.js'
import { noticeModel } from '../../models/notice.js'
import { planModel } from '../../models/plan.js'
import { priceModel } from '../../models/price.js'
import { rollupStateModel } from '../../models/rollup-state.js'
import { erasureModel } from '../../models/erasure.js'
import { dailyStatsModel, usageIntervalsModel } from '../../models/rollups.js'
import { usageLogModel } from '../../models/usage-log.js'
import type { Clock } from '../clock.js'
import type { DayDoc, IntervalDoc } from '../rollup/documents.js'
import { AccountStore } from './account-store.js'
import { AccountTotals } from './account-totals.js'
import { AuditStore } from './audit-store.js'
import { ErasureStore } from './erasure-store.js'
import { BudgetStore } from './budget-store.js'
import { CounterStore } from './counter-store.js'
import type { Database } from './database.js'
import { databasesOf } from './databases.js'
import { GlobalCells } from './global-cells.js'
import { LeaseStore } from './lease-store.js'
import { LiveStore } from './live-store.js'
import { LogRetention } from './log-retention.js'
import { LogRows } from './log-rows.js'
import { LogPrices } from './log-prices.js'
import { LogSums } from './log-sums.js'
import { LogStore } from './log-store.js'
import { NoticeStore } from './notice-store.js'
import type { Pools } from './pools.js'
import { PersonFacts } from './person-facts.js'
import { PersonLogs } from './person-logs.js'
import { PersonRollups } from './person-rollups.js'
import { PlanStore } from './plan-store.js'
import { Presence } from './presence.js'
import { PriceStore } from './price-store.js'
import { RollupStore } from './rollup-store.js'
import { StateStore } from './state-store.js'
import { WindowSums } from './window-sums.js'

/** The only door to MongoDB. */
export interface Store {
  readonly db: Database
  readonly logs: LogStore
  readonly rows: LogRows
  readonly sums: LogSums
  readonly retention: LogRetention
  readonly live: LiveStore
  readonly days: RollupStore<DayDoc>
  readonly intervals: RollupStore<IntervalDoc>
  readonly windowSums: WindowSums
  readonly presence: Presence
  /** `days` and `intervals` of everybody, added up. */
  readonly globalCells: { readonly days: GlobalCells; readonly intervals: GlobalCells }
  readonly accounts: AccountStore
  readonly totals: AccountTotals
  readonly state: StateStore
  readonly prices: PriceStore
  readonly plans: PlanStore
  readonly budgets: BudgetStore
  readonly logPrices: LogPrices
  readonly audit: AuditStore
  readonly counters: CounterStore
  readonly notices: NoticeStore
  readonly leases: LeaseStore
  readonly erasures: ErasureStore
  /** What is stored of one person. */
  readonly persons: {
    readonly logs: PersonLogs
    readonly days: PersonRollups<DayDoc>
    readonly intervals: PersonRollups<IntervalDoc>
    readonly facts: PersonFacts
  }
  /** Resolves when connected and every index exists. */
  prepare(): Promise<void>
  /** True if the primary answers in time. */
  ping(): Promise<boolean>
  /** Whether it is a server alone, without a replica set. Rejects when it does not answer. */
  isStandalone(): Promise<boolean>
}

/** `deadlineMs` bounds what an HTTP answer waits for. One connection is used for everything. */
export function createStore(given: Connection | Pools, clock: Clock, deadlineMs = 5_000): Store {
  const dbs = databasesOf(given, clock, deadlineMs)
  const { admission, flushing, reading } = dbs
  const connections = Object.values(dbs).map(({ connection }) => connection)
  const models = modelsOn(reading.connection)
  return {
    db: flushing,
    logs: new LogStore(dbs, models.logs),
    rows: new LogRows(reading, models.logs),
    sums: new LogSums(reading, models.logs),
    retention: new LogRetention(flushing, models.logs),
    live: new LiveStore(reading, models.logs),
    days: new RollupStore(dbs, models.days, 'date'),
    intervals: new RollupStore(dbs, models.intervals, 'start'),
    ...addedUpIn(reading, models),
    accounts: new AccountStore(dbs, models.accounts),
    totals: new AccountTotals(dbs, models.accounts),
    state: new StateStore(dbs, models.state, clock),
    prices: new PriceStore(admission, models.prices),
    plans: new PlanStore(admission, models.plans),
    budgets: new BudgetStore(admission, models.budgets),
    logPrices: new LogPrices(flushing, models.logs),
    audit: new AuditStore(dbs, models.audit),
    counters: new CounterStore(dbs, models.counters, clock),
    notices: new NoticeStore(admission, models.notices),
    erasures: new ErasureStore(admission, models.erasures),
    persons: personsIn(reading, models),
    leases: new LeaseStore(admission, models.leases),
    prepare: async () => {
      await Promise.all(connections.map((connection) => connection.asPromise()))
      await Promise.all(Object.values(models).map((model) => model.createIndexes()))
      await flushing.serverNow()
    },
    ping: () => ping(admission),
    isStandalone: () => admission.isStandalone(),
  }
}

/** What MongoDB makes of rollups, so that they need not be decoded here. */
function addedUpIn(db: Database, { days, intervals }: ReturnType<typeof modelsOn>) {
  return {
    windowSums: new WindowSums(db, intervals),
    presence: new Presence(db, intervals),
    globalCells: {
      days: new GlobalCells(db, days, 'date'),
      intervals: new GlobalCells(db, intervals, 'start'),
    },
  }
}

function personsIn(db: Database, models: ReturnType<typeof modelsOn>): Store['persons'] {
  return {
    logs: new PersonLogs(db, models.logs),
    days: new PersonRollups(db, models.days, 'date'),
    intervals: new PersonRollups(db, models.intervals, 'start'),
    facts: new PersonFacts(db, models),
  }
}

function modelsOn(connection: Connection) {
  return {
    logs: usageLogModel(connection),
    days: dailyStatsModel(connection),
    intervals: usageIntervalsModel(connection),
    accounts: accountModel(connection),
    state: rollupStateModel(connection),
    prices: priceModel(connection),
    plans: planModel(connection),
    budgets: budgetModel(connection),
    audit: auditModel(connection),
    counters: counterModel(connection),
    notices: noticeModel(connection),
    erasures: erasureModel(connection),
    leases: leaseModel(connection),
  }
}

async function ping(db: Database): Promise<boolean> {
  try {
    await db.within(db.command({ ping: 1 }), 2_000)
    return true
  } catch {
    return false
  }
}
