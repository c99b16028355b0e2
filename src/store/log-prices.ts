import type { Model } from 'mongoose'
import type { CostSource, ModelShare, UsageEvent } from '../event.js'
import type { Priceable } from '../pricing/price-event.js'
import type { Span } from '../time.js'
import { durable, type Database } from './database.js'
import { stamped } from './stamped.js'

/** What an operation's cost depends on, and what it is now. */
export type PricedOperation = Priceable & Pick<UsageEvent, '_id' | 'price_revision'>

/** A new cost for an operation. */
export interface NewCost {
  /** As it was read: it is only rewritten if it is still so. */
  readonly operation: PricedOperation
  readonly cost_nano_usd: number | null
  readonly cost_source: CostSource | undefined
  readonly models: ModelShare[] | undefined
}

/** Which operations: those of a model, or of all whose name begins so. */
export type ModelFilter = { name: string } | { prefix: string } | undefined

const projection = {
  provider: 1,
  model: 1,
  input_tokens: 1,
  output_tokens: 1,
  cache_read_tokens: 1,
  cache_write_tokens: 1,
  cache_write_1h_tokens: 1,
  reasoning_tokens: 1,
  input_audio_tokens: 1,
  input_image_tokens: 1,
  output_audio_tokens: 1,
  output_image_tokens: 1,
  cache_read_audio_tokens: 1,
  cache_read_image_tokens: 1,
  web_searches: 1,
  file_searches: 1,
  service_tier: 1,
  attempts: 1,
  tokens_used: 1,
  token_source: 1,
  cost_nano_usd: 1,
  cost_source: 1,
  models: 1,
  timestamp: 1,
  price_revision: 1,
} as const

/** The costs in `usage_logs`: the one thing in it that may be rewritten. */
export class LogPrices {
  readonly #db: Database
  readonly #model: Model<UsageEvent>

  constructor(db: Database, model: Model<UsageEvent>) {
    this.#db = db
    this.#model = model
  }

  /** The operations of a span, oldest first, in batches. */
  async *batches(
    { from, to }: Span,
    model: ModelFilter,
    size: number,
  ): AsyncGenerator<PricedOperation[]> {
    const cursor = this.#db
      .collection(this.#model, Infinity)
      .find({ timestamp: { $gte: from, $lt: to }, ...modelFilter(model) }, { projection })
      .sort({ timestamp: 1 })
      .batchSize(size)
    let batch: PricedOperation[] = []
    for await (const operation of cursor) {
      batch.push(operation)
      if (batch.length < size) continue
      yield batch
      batch = []
    }
    if (batch.length > 0) yield batch
  }

  /**
   * Rewrites costs; answers of how many. Each operation is stamped as recorded now, so that readers
   * take its window from the log and rollers compute it anew (rollup/freshness.ts), and its revision
   * grows, so that no rollup computed from the old cost can take the place of a newer one.
   */
  async rewrite(costs: readonly NewCost[], stamp: Date): Promise<number> {
    if (costs.length === 0) return 0
    const operations = costs.map((cost) => ({
      updateOne: { filter: asItWas(cost.operation), update: [rewriting(cost, stamp)] },
    }))
    const options = { ordered: false, writeConcern: durable }
    const { modifiedCount } = await this.#logs().bulkWrite(operations, options)
    return modifiedCount
  }

  /** Stamps operations again whose rewriting took long. */
  async restamp(costs: readonly NewCost[], stamp: Date): Promise<void> {
    const update = [{ $set: stamped(stamp) }]
    const operations = costs.map(({ operation: { _id } }) => ({
      updateOne: { filter: { _id }, update },
    }))
    await this.#logs().bulkWrite(operations, { ordered: false, writeConcern: durable })
  }

  #logs() {
    return this.#db.collection(this.#model)
  }
}

function modelFilter(model: ModelFilter): object {
  if (model === undefined) return {}
  const value =
    'name' in model ? { $eq: model.name } : { $gte: model.prefix, $lt: `${model.prefix}\u{10ffff}` }
  return { $or: [{ model: value }, { 'models.model': value }] }
}

function asItWas({ _id, price_revision, cost_nano_usd, cost_source }: PricedOperation) {
  return {
    _id,
    cost_nano_usd,
    cost_source: cost_source ?? { $exists: false },
    price_revision: price_revision ?? { $exists: false },
  }
}

function rewriting({ cost_nano_usd, cost_source, models }: NewCost, stamp: Date) {
  return {
    $set: {
      cost_nano_usd,
      cost_source: cost_source ?? '$$REMOVE',
      ...(models && { models: { $literal: models } }),
      price_revision: { $add: [{ $ifNull: ['$price_revision', 0] }, 1] },
      ...stamped(stamp),
    },
  }
}
