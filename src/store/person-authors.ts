import type { Model } from 'mongoose'
import type { AccountDoc } from '../../models/account.js'
import type { AuditDoc } from '../../models/audit.js'
import type { BudgetDoc } from '../../models/budget.js'
import type { PlanDoc } from '../../models/plan.js'
import type { PriceSheetDoc } from '../../models/price.js'
import { durable, type Database } from './database.js'
import type { Renaming } from './person-logs.js'

export interface AuthorModels {
  readonly accounts: Model<AccountDoc>
  readonly audit: Model<AuditDoc>
  readonly budgets: Model<BudgetDoc>
  readonly plans: Model<PlanDoc>
  readonly prices: Model<PriceSheetDoc>
}

type Named = Record<string, unknown> & { _id: string }

/** Where the author of a change stands, and when they made it. */
interface Place {
  readonly by: string
  readonly at: string
}

const majority = { writeConcern: durable } as const
const updated = { by: 'updated_by', at: 'updated_at' } as const
const created = { by: 'created_by', at: 'created_at' } as const
const blocked = { by: 'blocked.by', at: 'blocked.since' } as const
const places = {
  accounts: [updated, blocked].map((one) => within('settings', one)),
  budgets: [updated],
  plans: [updated],
  audit: [
    { by: 'actor', at: 'at' },
    ...[updated, created, blocked].flatMap((one) => [within('before', one), within('after', one)]),
  ],
} as const satisfies Partial<Record<keyof AuthorModels, readonly Place[]>>
const collections = ['accounts', 'budgets', 'plans', 'audit'] as const

/** Where a person is named as who changed something. Every verb may be repeated. */
export class PersonAuthors {
  readonly #db: Database
  readonly #models: AuthorModels

  constructor(db: Database, models: AuthorModels) {
    this.#db = db
    this.#models = models
  }

  /** Whether a person is named as the author of something that was changed before an instant. */
  async has(userId: string, before: Date): Promise<boolean> {
    const found = collections.map((name) => {
      const anywhere = places[name].map((place) => named(place, userId, before))
      return this.#of(name).findOne({ $and: [narrow(name), { $or: anywhere }] })
    })
    const prices = [updated, created].map((place) => ({
      prices: { $elemMatch: named(place, userId, before) },
    }))
    found.push(this.#of('prices').findOne({ $or: prices }))
    return (await this.#db.within(Promise.all(found))).some((one) => one !== null)
  }

  async rename({ from, to, until }: Renaming): Promise<void> {
    for (const name of collections) {
      for (const place of places[name]) {
        const filter = { $and: [narrow(name), named(place, from, until)] }
        await this.#of(name).updateMany(filter, { $set: { [place.by]: to } }, majority)
      }
    }
    for (const place of [updated, created]) {
      const own = named(place, from, until)
      const one = Object.entries(own).map(([field, is]) => [`one.${field}`, is] as const)
      const update = { $set: { [`prices.$[one].${place.by}`]: to } }
      const options = { arrayFilters: [Object.fromEntries(one)], ...majority }
      await this.#of('prices').updateMany({ prices: { $elemMatch: own } }, update, options)
    }
  }

  #of(name: keyof AuthorModels) {
    return this.#db.collection<Named>(this.#models[name] as unknown as Model<Named>)
  }
}

function within(path: string, { by, at }: Place): Place {
  return { by: `${path}.${by}`, at: `${path}.${at}` }
}

/** What a person has changed up to an instant; what is renamed is stamped with that instant itself. */
function named({ by, at }: Place, userId: string, until: Date) {
  return { [by]: { $eq: userId }, [at]: { $lte: until } }
}

/** Accounts are many; few have settings, and those have an index. */
function narrow(name: keyof AuthorModels) {
  return name === 'accounts' ? { 'settings.updated_at': { $gt: new Date(0) } } : {}
}
