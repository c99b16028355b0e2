import type { Model, mongo } from 'mongoose'
import type { AccountDoc, AccountSettings, LimitOverride } from '../../models/account.js'
import { leastRecent } from '../least-recent.js'
import { durable, type Database } from './database.js'
import type { Databases } from './databases.js'
import { wasPut } from './revisions.js'

export type { AccountDoc, AccountSettings, LimitOverride }

/** What the log says of a user's presence in a batch. */
export interface Sighting {
  user_id: string
  at: Date
  tier: string
}

export type AccountSort =
  'last_active' | 'total_tokens' | 'total_operations' | 'total_cost' | 'user_id'

const sortFields = {
  last_active: 'last_active_at',
  total_tokens: 'total_tokens',
  total_operations: 'total_operations',
  total_cost: 'total_cost_nano_usd',
  user_id: '_id',
} as const satisfies Record<AccountSort, keyof AccountDoc>

/** Where a page of accounts ended. */
export interface AccountPosition {
  value: number | string | Date
  id: string
}

/** Some tiers, or all others, that of accounts of which none is known among them. */
export type Tiers = { readonly among: readonly string[] } | { readonly other: readonly string[] }

export interface AccountQuery {
  sort: AccountSort
  ascending: boolean
  tiers?: Tiers
  blocked?: boolean
  prefix?: string
  after?: AccountPosition
  limit: number
}

/** An account that was seen this recently is not written again. */
const seenForMs = 60_000

/** `usage_accounts` in domain verbs. */
export class AccountStore {
  readonly #db: Database
  readonly #reading: Database
  readonly #flushing: Database
  readonly #model: Model<AccountDoc>
  readonly #seen = leastRecent<string, string>(50_000, { ttl: seenForMs })

  constructor({ admission, reading, flushing }: Databases, model: Model<AccountDoc>) {
    this.#db = admission
    this.#reading = reading
    this.#flushing = flushing
    this.#model = model
  }

  /** Makes accounts on first sight and keeps `last_active_at`; at most once a minute per user. */
  async sighted(sightings: Iterable<Sighting>): Promise<void> {
    const fresh = [...sightings].filter(({ user_id, tier }) => this.#seen.get(user_id) !== tier)
    if (fresh.length === 0) return
    const operations = fresh.map(({ user_id, at, tier }) => ({
      updateOne: {
        filter: { _id: user_id },
        update: {
          $max: { last_active_at: at },
          $min: { first_seen_at: at },
          $set: { seen_tier: tier },
          $setOnInsert: { total_operations: 0, total_tokens: 0, total_cost_nano_usd: 0 },
        },
        upsert: true,
      },
    }))
    await this.#write(operations)
    for (const { user_id, tier } of fresh) this.#seen.set(user_id, tier)
  }

  /** The account is to be made anew when it is seen next. */
  forget(userId: string): void {
    this.#seen.delete(userId)
  }

  async find(userId: string): Promise<AccountDoc | undefined> {
    const found = this.#accounts().findOne({ _id: { $eq: userId } })
    return (await this.#db.within(found)) ?? undefined
  }

  async settingsSince(since: Date | undefined) {
    const filter = {
      'settings.updated_at': since === undefined ? { $exists: true } : { $gte: since },
    }
    const cursor = this.#accounts().find(filter, { projection: { settings: 1 } })
    const found = await this.#db.within(cursor.toArray())
    return found.flatMap(({ _id, settings }) => (settings ? [{ user_id: _id, settings }] : []))
  }

  /**
   * Puts settings in place of those of the revision before; false when there is another by now.
   * An account that was never seen is made.
   */
  putSettings(userId: string, settings: AccountSettings): Promise<boolean> {
    const { revision, updated_at } = settings
    const isFirst = revision === 1
    const change = this.#accounts().updateOne(
      { _id: userId, 'settings.revision': isFirst ? { $exists: false } : revision - 1 },
      {
        $set: { settings },
        $setOnInsert: {
          ...{ first_seen_at: updated_at, last_active_at: updated_at, seen_tier: '' },
          ...{ total_operations: 0, total_tokens: 0, total_cost_nano_usd: 0 },
        },
      },
      { upsert: isFirst, writeConcern: durable },
    )
    return wasPut(this.#db, change)
  }

  async page(query: AccountQuery): Promise<AccountDoc[]> {
    const field = sortFields[query.sort]
    const direction = query.ascending ? 1 : -1
    const cursor = this.#reading
      .collection(this.#model)
      .find(accountFilter(query, field))
      .sort(field === '_id' ? { _id: direction } : { [field]: direction, _id: 1 })
      .limit(query.limit)
    return this.#reading.within(cursor.toArray())
  }

  /** The value by which a page is sorted, for its cursor. */
  sortValue(account: AccountDoc, sort: AccountSort): number | string | Date {
    return account[sortFields[sort]]
  }

  async #write(operations: mongo.AnyBulkWriteOperation<AccountDoc>[]): Promise<void> {
    await this.#flushing.collection(this.#model).bulkWrite(operations, { ordered: false })
  }

  #accounts() {
    return this.#db.collection(this.#model)
  }
}

function accountFilter(query: AccountQuery, field: keyof AccountDoc) {
  const { tiers, blocked, prefix, after, ascending } = query
  const beyond = ascending ? '$gt' : '$lt'
  const conditions: Record<string, unknown>[] = []
  if (tiers !== undefined) {
    const fits = 'among' in tiers ? { $in: [...tiers.among] } : { $nin: [...tiers.other] }
    conditions.push({
      $or: [
        { 'settings.tier': { $exists: true, ...fits } },
        { 'settings.tier': { $exists: false }, seen_tier: fits },
      ],
    })
  }
  if (blocked !== undefined) conditions.push({ 'settings.blocked': { $exists: blocked } })
  if (prefix !== undefined) conditions.push({ _id: { $gte: prefix, $lt: prefix + '\u{10ffff}' } })
  if (after && field === '_id') conditions.push({ _id: { [beyond]: after.id } })
  else if (after) {
    conditions.push({
      $or: [
        { [field]: { [beyond]: after.value } },
        { [field]: after.value, _id: { $gt: after.id } },
      ],
    })
  }
  return conditions.length === 0 ? {} : { $and: conditions }
}
