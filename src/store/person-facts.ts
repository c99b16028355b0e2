import type { Model } from 'mongoose'
import type { AccountSettings } from '../../models/account.js'
import type { AuditDoc } from '../../models/audit.js'
import type { BudgetDoc } from '../../models/budget.js'
import type { CounterDoc } from '../../models/counter.js'
import type { NoticeDoc } from '../../models/notice.js'
import { isNoticeOf } from '../notices/notice.js'
import { forgetting } from './account-totals.js'
import { durable, type Database } from './database.js'
import { PersonAuthors, type AuthorModels } from './person-authors.js'
import { PersonCounter } from './person-counter.js'
import { aheadOf, type Renaming } from './person-logs.js'

export interface PersonModels extends AuthorModels {
  readonly counters: Model<CounterDoc>
  readonly notices: Model<NoticeDoc>
}

const majority = { writeConcern: durable } as const
/** What stands where a reason was given in words. */
const noReason = 'erased'
const periods = ['day', 'month'] as const

/** Of an account that begins anew. */
const noSums = {
  ...{ total_operations: 0, total_tokens: 0, total_cost_nano_usd: 0 },
  total_unpriced_operations: 0,
}
const fromNothing = {
  ...({ totals_recorded_at: '', totals_price_revisions: '' } as const),
  ...forgetting.$unset,
}

/** What is stored of a person beside logs and rollups. Every verb may be repeated. */
export class PersonFacts {
  readonly #db: Database
  readonly #models: PersonModels
  readonly #authors: PersonAuthors
  readonly #counter: PersonCounter

  constructor(db: Database, models: PersonModels) {
    this.#db = db
    this.#models = models
    this.#authors = new PersonAuthors(db, models)
    this.#counter = new PersonCounter(db, models.counters)
  }

  /** Whether anything is stored under a user's name; of counters, what no instance says any more. */
  async has(userId: string, before?: Date): Promise<boolean> {
    const seen = before && { first_seen_at: { $lt: before } }
    const account = this.#of('accounts').findOne({ _id: { $eq: userId }, ...seen })
    const budget = this.#of('budgets').findOne({ _id: { $in: budgetsOf(userId) } })
    const found = await this.#db.within(Promise.all([account, before ? null : budget]))
    if (found.some((one) => one !== null)) return true
    return before !== undefined && this.#authors.has(userId, before)
  }

  /** Whether there is an account of nothing but what was dated ahead of an instant, as far as it tells. */
  async hasAhead(userId: string, instant: Date): Promise<boolean> {
    const found = this.#of('accounts').findOne({
      _id: { $eq: userId },
      first_seen_at: { $lte: aheadOf(instant) },
      'settings.updated_at': { $not: { $gte: instant } },
    } as never)
    return (await this.#db.within(found)) !== null
  }

  /** The budgets of a user. */
  budgets(userId: string): Promise<BudgetDoc[]> {
    const filter = { _id: { $in: budgetsOf(userId) }, deleted: { $exists: false } }
    return this.#db.within(this.#of('budgets').find(filter).sort({ _id: 1 }).toArray())
  }

  /** What was changed of a user or by them, oldest first, batch by batch. */
  async *changes(userId: string, size: number): AsyncGenerator<AuditDoc[]> {
    const about = [
      { resource: 'account', resource_id: { $eq: userId } },
      { resource: 'budget', resource_id: { $in: budgetsOf(userId) } },
      { actor: { $eq: userId } },
    ]
    yield* this.#db.batches(this.#of('audit').find({ $or: about }).sort({ at: 1 }).batchSize(size))
  }

  /** `isActive` tells whether operations are left under the old name: a new account's. */
  async rename(renaming: Renaming, isActive: () => Promise<boolean>): Promise<void> {
    await this.#account(renaming, isActive)
    await this.#counter.rename(renaming)
    await this.#renameBudgets(renaming)
    await this.#audit(renaming)
    await this.#notices(renaming)
    await this.#authors.rename(renaming)
  }

  /** Removes from the counter what an instance has said again before it heard. */
  removeEcho(renaming: Renaming): Promise<void> {
    return this.#counter.removeEcho(renaming)
  }

  async #account(renaming: Renaming, isActive: () => Promise<boolean>): Promise<void> {
    const { from, to, until } = renaming
    const accounts = this.#of('accounts')
    const found = await accounts.findOne({ _id: { $eq: from } })
    if (found === null) return
    const { _id: _, totals_before: __, totals_changes: ___, ...account } = found
    const { first_seen_at, last_active_at, settings, seen_tier, ...sums } = account
    const isOld = settings !== undefined && settings.updated_at < until
    const nothingNew = isOld || settings === undefined
    // Asked after the account was read: an operation is in the log before it is seen there.
    const isOver = last_active_at < until || !(await isActive())
    const wasAhead = isOver && nothingNew && first_seen_at <= aheadOf(until)
    if (first_seen_at >= until && !wasAhead) return
    await accounts.updateOne(
      { _id: to },
      {
        $setOnInsert: sums,
        $set: { seen_tier },
        $min: { first_seen_at },
        $max: { last_active_at: isOver ? last_active_at : first_seen_at },
      },
      { upsert: true, ...majority },
    )
    // A roller may have made the account already.
    if (isOld) {
      const bare = { _id: { $eq: to }, settings: { $exists: false } }
      const kept = renamedSettings(settings, renaming)
      await accounts.updateOne(bare, { $set: { settings: kept } }, majority)
    }
    if (isOver && nothingNew) {
      await accounts.deleteOne({ _id: { $eq: from }, last_active_at }, majority)
      return
    }
    const change = {
      $set: { first_seen_at: until, ...noSums },
      $inc: forgetting.$inc,
      $unset: { ...fromNothing, ...(isOld && { settings: '' as const }) },
    }
    await accounts.updateOne({ _id: { $eq: from } }, change, majority)
  }

  async #renameBudgets({ from, to, until }: Renaming): Promise<void> {
    const budgets = this.#of('budgets')
    const found = await budgets.find({ _id: { $in: budgetsOf(from) } }).toArray()
    for (const doc of found) {
      if (doc.updated_at >= until) continue
      const renamed = {
        ...{ ...doc, _id: `user:${to}@${doc.period}`, subject_id: to, updated_at: until },
        updated_by: doc.updated_by === from ? to : doc.updated_by,
      }
      await budgets.replaceOne({ _id: renamed._id }, renamed, { upsert: true, ...majority })
      await budgets.deleteOne({ _id: doc._id }, majority)
    }
  }

  async #audit({ from, to, until }: Renaming): Promise<void> {
    const audit = this.#of('audit')
    const at = { $lt: until }
    const about = { at, resource: 'account', resource_id: { $eq: from } }
    for (const side of ['before', 'after'] as const) {
      const reason = `${side}.blocked.reason`
      const told = { ...about, [reason]: { $exists: true } } as never
      await audit.updateMany(told, { $set: { [reason]: noReason } }, majority)
    }
    await audit.updateMany(about, { $set: { resource_id: to } }, majority)
    for (const period of periods) {
      const budget = { at, resource: 'budget', resource_id: { $eq: `user:${from}@${period}` } }
      await audit.updateMany(budget, { $set: { resource_id: `user:${to}@${period}` } }, majority)
    }
  }

  /** Told is told: they only kept it from being told again. */
  async #notices({ from, until }: Renaming): Promise<void> {
    for (const type of ['threshold', 'limit', 'blocked']) {
      const own = `${type}:user:${from}`
      const filter = { _id: { $gte: `${own}:`, $lt: `${own};` }, at: { $lt: until } }
      const cursor = this.#of('notices').find(filter, { projection: { _id: 1 } })
      for await (const { _id } of cursor)
        if (isNoticeOf(_id, from)) await this.#of('notices').deleteOne({ _id }, majority)
    }
  }

  #of<K extends keyof PersonModels>(name: K) {
    type Doc = PersonModels[K] extends Model<infer T> ? T & { _id: string } : never
    return this.#db.collection<Doc>(this.#models[name] as unknown as Model<Doc>)
  }
}

/** What was set for a person, as it is kept for their pseudonym. */
function renamedSettings(settings: AccountSettings, { from, to, until }: Renaming) {
  const { blocked, updated_by } = settings
  const nameOf = (author: string) => (author === from ? to : author)
  return {
    ...settings,
    // Instances read what has changed since they looked last.
    ...{ updated_at: until, updated_by: nameOf(updated_by) },
    ...(blocked && { blocked: { ...blocked, reason: noReason, by: nameOf(blocked.by) } }),
  }
}

function budgetsOf(userId: string): string[] {
  return periods.map((period) => `user:${userId}@${period}`)
}
