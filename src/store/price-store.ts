import type { Model } from 'mongoose'
import type { PriceDoc, PriceSheetDoc } from '../../models/price.js'
import { UsageError } from '../errors.js'
import type { Override } from '../pricing/override.js'
import { durable, isDuplicate, type Database } from './database.js'
import { overrideOf } from './price-override.js'

export type { PriceDoc, PriceSheetDoc }

/** What a price is for. */
export type PriceSubject = Pick<PriceSheetDoc, 'provider' | 'model' | 'service_tier'>

/** A stored price, with what it is for. */
export interface StoredPrice extends PriceDoc, PriceSubject {}

export interface PriceFilter {
  provider?: string
  model?: string
}

/** `usage_prices` in domain verbs. */
export class PriceStore {
  readonly #db: Database
  readonly #model: Model<PriceSheetDoc>

  constructor(db: Database, model: Model<PriceSheetDoc>) {
    this.#db = db
    this.#model = model
  }

  /** Grows with every change. */
  async version(): Promise<number> {
    const sum = { $group: { _id: null, version: { $sum: '$version' } } }
    const cursor = this.#sheets().aggregate<{ version: number }>([sum])
    const [found] = await this.#db.within(cursor.toArray())
    return found?.version ?? 0
  }

  /** Every stored price, ready for arithmetic. */
  async overrides(): Promise<Override[]> {
    const sheets = await this.#db.within(this.#sheets().find().toArray())
    return sheets.flatMap((sheet) => sheet.prices.map((price) => overrideOf(sheet, price)))
  }

  async find(id: string): Promise<StoredPrice | undefined> {
    const [found] = await this.#page({ 'prices.id': { $eq: id } }, { 'prices.id': id }, 1)
    return found
  }

  /** A page, newest first; `after` is the id of the last one seen. */
  async page(filter: PriceFilter, after: string | undefined, limit: number) {
    const { provider, model } = filter
    const sheets = {
      ...(provider !== undefined && { provider: { $eq: provider } }),
      ...(model !== undefined && { model: { $eq: model } }),
    }
    return this.#page(sheets, after === undefined ? {} : { 'prices.id': { $lt: after } }, limit)
  }

  async #page(sheets: object, prices: object, limit: number): Promise<StoredPrice[]> {
    const pipeline = [
      { $match: sheets },
      { $unwind: '$prices' },
      { $match: prices },
      { $sort: { 'prices.id': -1 } },
      { $limit: limit },
    ]
    const cursor = this.#sheets().aggregate<Omit<PriceSheetDoc, 'prices'> & { prices: PriceDoc }>(
      pipeline,
    )
    const found = await this.#db.within(cursor.toArray())
    return found.map(({ provider, model, service_tier, prices }) => ({
      ...(provider !== undefined && { provider }),
      model,
      ...(service_tier !== undefined && { service_tier }),
      ...prices,
    }))
  }

  /** Adds a period. Throws `conflict` when it overlaps another of the same subject. */
  async add(subject: PriceSubject, price: PriceDoc): Promise<void> {
    const _id = sheetId(subject)
    const add = this.#sheets().updateOne(
      { _id, prices: { $not: { $elemMatch: overlapping(price) } } },
      { $push: { prices: price }, $inc: { version: 1 }, $setOnInsert: { ...subject } },
      { upsert: true, writeConcern: durable },
    )
    try {
      await this.#db.within(add)
    } catch (error) {
      // The sheet is there and did not match: so it holds a period that overlaps.
      if (!isDuplicate(error)) throw error
      throw await this.#conflict(_id, price)
    }
  }

  /** Puts a changed period in place of what it was at `revision`; false when that is gone. */
  async change(subject: PriceSubject, price: PriceDoc, revision: number): Promise<boolean> {
    const _id = sheetId(subject)
    const others = { id: { $ne: price.id }, ...overlapping(price) }
    const { matchedCount } = await this.#db.within(
      this.#sheets().updateOne(
        {
          _id,
          $and: [
            { prices: { $elemMatch: { id: price.id, revision } } },
            { prices: { $not: { $elemMatch: others } } },
          ],
        },
        { $set: { 'prices.$[one]': price }, $inc: { version: 1 } },
        { arrayFilters: [{ 'one.id': price.id }], writeConcern: durable },
      ),
    )
    if (matchedCount > 0) return true
    const blocked = await this.#db.within(
      this.#sheets().findOne({ _id, prices: { $elemMatch: others } }),
    )
    if (blocked) throw await this.#conflict(_id, price)
    return false
  }

  /** Removes a period as it was at `revision`; false when that is gone. */
  async remove(subject: PriceSubject, id: string, revision: number): Promise<boolean> {
    const { matchedCount } = await this.#db.within(
      this.#sheets().updateOne(
        { _id: sheetId(subject), prices: { $elemMatch: { id, revision } } },
        { $pull: { prices: { id } }, $inc: { version: 1 } },
        { writeConcern: durable },
      ),
    )
    return matchedCount > 0
  }

  async #conflict(_id: string, price: PriceDoc): Promise<UsageError> {
    const sheet = await this.#db.within(this.#sheets().findOne({ _id }))
    const { from, to } = overrideOf({ model: '' }, price)
    const other = sheet?.prices.find((one) => {
      const its = overrideOf({ model: '' }, one)
      return one.id !== price.id && its.from < to && from < its.to
    })
    return new UsageError('conflict', 'Another price of the same model holds in that period', {
      details: other ? { price_id: other.id } : {},
    })
  }

  #sheets() {
    return this.#db.collection(this.#model)
  }
}

function sheetId({ provider, model, service_tier }: PriceSubject): string {
  return JSON.stringify([provider ?? '', model, service_tier ?? ''])
}

/** Matches periods that share an instant with this one. */
function overlapping({ effective_from, effective_to }: PriceDoc) {
  return {
    $or: [{ effective_to: { $exists: false } }, { effective_to: { $gt: effective_from } }],
    ...(effective_to && { effective_from: { $lt: effective_to } }),
  }
}
