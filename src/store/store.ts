import type { Connection } from 'mongoose'
import { accountModel } from '../../models/account.js'
import { auditModel } from '../../models/audit.js'
import { counterModel } from '../../models/counter.js'
import { priceModel } from '../../models/price.js'
import { rollupStateModel } from '../../models/rollup-state.js'
import { dailyStatsModel, usageIntervalsModel } from '../../models/rollups.js'
import { usageLogModel } from '../../models/usage-log.js'
import type { Clock } from '../clock.js'
import type { DayDoc, IntervalDoc } from '../rollup/documents.js'
import { AccountStore } from './account-store.js'
import { AuditStore } from './audit-store.js'
import { CounterStore } from './counter-store.js'
import { Database } from './database.js'
import { LiveStore } from './live-store.js'
import { LogRows } from './log-rows.js'
import { LogPrices } from './log-prices.js'
import { LogStore } from './log-store.js'
import { PriceStore } from './price-store.js'
import { RollupStore } from './rollup-store.js'
import { StateStore } from './state-store.js'

/** The only door to MongoDB. */
export interface Store {
  readonly db: Database
  readonly logs: LogStore
  readonly rows: LogRows
  readonly live: LiveStore
  readonly days: RollupStore<DayDoc>
  readonly intervals: RollupStore<IntervalDoc>
  readonly accounts: AccountStore
  readonly state: StateStore
  readonly prices: PriceStore
  readonly logPrices: LogPrices
  readonly audit: AuditStore
  readonly counters: CounterStore
  /** Resolves when connected and every index exists. */
  prepare(): Promise<void>
  /** True if the primary answers in time. */
  ping(): Promise<boolean>
}

/** `deadlineMs` bounds what an HTTP answer waits for. */
export function createStore(connection: Connection, clock: Clock, deadlineMs = 5_000): Store {
  const db = new Database(connection, clock, deadlineMs)
  const logModel = usageLogModel(connection)
  const dayModel = dailyStatsModel(connection)
  const intervalModel = usageIntervalsModel(connection)
  const accounts = accountModel(connection)
  const prices = priceModel(connection)
  const audit = auditModel(connection)
  const counters = counterModel(connection)
  const state = rollupStateModel(connection)
  const models = [logModel, dayModel, intervalModel, accounts, state, prices, audit, counters]
  return {
    db,
    logs: new LogStore(db, logModel),
    rows: new LogRows(db, logModel),
    live: new LiveStore(db, logModel),
    days: new RollupStore(db, dayModel, 'date'),
    intervals: new RollupStore(db, intervalModel, 'start'),
    accounts: new AccountStore(db, accounts),
    state: new StateStore(db, state, clock),
    prices: new PriceStore(db, prices),
    logPrices: new LogPrices(db, logModel),
    audit: new AuditStore(db, audit),
    counters: new CounterStore(db, counters),
    prepare: async () => {
      await connection.asPromise()
      for (const model of models) await model.createIndexes()
      await db.serverNow()
    },
    ping: () => ping(db),
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
