import { slowWriteMs } from '../rollup/freshness.js'
import type { ModelFilter, NewCost, PricedOperation } from '../store/log-prices.js'
import type { Store } from '../store/store.js'
import { dayMs, floorTo, type Span } from '../time.js'
import { isGiven, priceOf } from './price-event.js'
import type { Price } from './priced-usage.js'

type Door = Pick<Store, 'logPrices' | 'state'> & { db: Pick<Store['db'], 'serverNow'> }

/** Operations read and rewritten at once. */
const batchSize = 1_000

export interface RepriceOptions {
  readonly span: Span
  readonly model?: ModelFilter
  readonly price: Price
  /** Says what would change, and changes nothing. */
  readonly dryRun: boolean
  /** Costs from own prices that are not on file any more: computed anew too. Default: kept. */
  readonly replaceOverrides?: boolean
  readonly onBatch?: (report: RepriceReport) => void
}

/** What repricing did. Sums are in integer nano-dollars, over the operations it looked at. */
export interface RepriceReport {
  operations: number
  /** Costs given by provider or host: left alone. */
  given: number
  /** Computed costs for which there is no price (any more), or several: left alone. */
  kept: number
  changed: number
  old_sum_nano_usd: number
  new_sum_nano_usd: number
  still_unpriced: number
  /** UTC days, epoch ms, that hold changed operations. */
  days: Set<number>
}

/**
 * Computes the costs of past operations anew, by the prices of their time, and rewrites those that
 * differ. Doing it again changes nothing. Costs that the provider reported or the host gave are left
 * alone, and a cost that was known is not made unknown. Answers are right at once (rewritten windows
 * are read from the log) and rollups follow with the next run of any roller. Operations of days whose
 * logs are being deleted stay as they are.
 */
export async function reprice(store: Door, options: RepriceOptions): Promise<RepriceReport> {
  const report = noReport()
  for await (const batch of store.logPrices.batches(options.span, options.model, batchSize)) {
    const { horizon } = await store.state.progress()
    const kept = batch.filter(({ timestamp }) => timestamp >= horizon)
    const costs = kept.flatMap((operation) => {
      const cost = judge(operation, options, report)
      return cost === undefined ? [] : [cost]
    })
    if (options.dryRun) report.changed += costs.length
    else report.changed += await write(store, costs)
    options.onBatch?.(report)
  }
  return report
}

function noReport(): RepriceReport {
  return {
    ...{ operations: 0, given: 0, kept: 0, changed: 0, still_unpriced: 0 },
    ...{ old_sum_nano_usd: 0, new_sum_nano_usd: 0, days: new Set() },
  }
}

/** The new cost of an operation; undefined when it stays as it is. */
function judge(
  operation: PricedOperation,
  { price, replaceOverrides = false }: RepriceOptions,
  report: RepriceReport,
): NewCost | undefined {
  const { cost_nano_usd: old, cost_source: oldSource, timestamp } = operation
  report.operations += 1
  report.old_sum_nano_usd += old ?? 0
  if (isGiven(oldSource)) {
    report.given += 1
    report.new_sum_nano_usd += old ?? 0
    return undefined
  }
  const { cost_nano_usd, cost_source, models } = priceOf(operation, ofEachCall(price))
  const isLost = cost_nano_usd === null && old !== null
  const isForgotten = oldSource === 'override' && cost_source === 'catalogue' && !replaceOverrides
  if (isLost || isForgotten || isUnclear(operation, price)) {
    report.kept += 1
    report.new_sum_nano_usd += old ?? 0
    return undefined
  }
  report.new_sum_nano_usd += cost_nano_usd ?? 0
  if (cost_nano_usd === null && operation.tokens_used > 0) report.still_unpriced += 1
  if (cost_nano_usd === old && cost_source === oldSource && sameShares(operation.models, models)) {
    return undefined
  }
  report.days.add(floorTo(timestamp.getTime(), dayMs))
  return { operation, cost_nano_usd, cost_source, models }
}

/** Of usage that is the sum of several calls, each prompt is taken to have been as long as the others. */
function ofEachCall(price: Price): Price {
  return (usage, at) => price(usage, at, Math.ceil(usage.input_tokens / (usage.attempts ?? 1)))
}

/**
 * Whether the tier of a known cost cannot be told any more: of several calls the prompts were priced
 * one by one, and only their sum is stored.
 */
function isUnclear(operation: PricedOperation, price: Price): boolean {
  if (operation.attempts < 2 || operation.cost_source !== 'catalogue') return false
  const shortest: Price = (usage, at) =>
    price(usage, at, (usage.attempts ?? 1) > 1 ? 0 : usage.input_tokens)
  const { cost_nano_usd: least } = priceOf(operation, shortest)
  return least !== priceOf(operation, price).cost_nano_usd
}

function sameShares(old: PricedOperation['models'], now: PricedOperation['models']): boolean {
  if (old === undefined || now === undefined) return old === now
  return old.every(
    (share, index) =>
      share.cost_nano_usd === now[index]?.cost_nano_usd &&
      share.cost_source === now[index].cost_source,
  )
}

async function write(store: Door, costs: readonly NewCost[]): Promise<number> {
  if (costs.length === 0) return 0
  const stamp = await store.db.serverNow()
  const changed = await store.logPrices.rewrite(costs, stamp)
  // Seen later than readers and rollers allow for (rollup/freshness.ts): stamped again.
  for (let since = stamp; ;) {
    const now = await store.db.serverNow()
    if (now.getTime() - since.getTime() < slowWriteMs) return changed
    await store.logPrices.restamp(costs, now)
    since = now
  }
}
