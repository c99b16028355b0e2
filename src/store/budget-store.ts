import type { Model } from 'mongoose'
import type { BudgetDoc } from '../../models/budget.js'
import { isDuplicate, type Database } from './database.js'

export type { BudgetDoc }

export interface BudgetFilter {
  scope?: BudgetDoc['scope']
  subject_id?: string
}

const durable = { w: 'majority', journal: true } as const

/** `usage_budgets` in domain verbs. */
export class BudgetStore {
  readonly #db: Database
  readonly #model: Model<BudgetDoc>

  constructor(db: Database, model: Model<BudgetDoc>) {
    this.#db = db
    this.#model = model
  }

  /** Those that were changed at this instant or after it, deleted ones too; all where none is given. */
  since(since: Date | undefined): Promise<BudgetDoc[]> {
    const filter = since === undefined ? {} : { updated_at: { $gte: since } }
    return this.#db.within(this.#budgets().find(filter).toArray())
  }

  /** Also a deleted one. */
  async find(id: string): Promise<BudgetDoc | undefined> {
    return (await this.#db.within(this.#budgets().findOne({ _id: { $eq: id } }))) ?? undefined
  }

  /** A page by id; `after` is the id of the last one seen. */
  page({ scope, subject_id }: BudgetFilter, after: string | undefined, limit: number) {
    const filter = {
      deleted: { $exists: false },
      ...(scope !== undefined && { scope: { $eq: scope } }),
      ...(subject_id !== undefined && { subject_id: { $eq: subject_id } }),
      ...(after !== undefined && { _id: { $gt: after } }),
    }
    const cursor = this.#budgets().find(filter).sort({ _id: 1 }).limit(limit)
    return this.#db.within(cursor.toArray())
  }

  /** Puts a budget in place of that of the revision before; false when there is another by now. */
  async put(budget: BudgetDoc): Promise<boolean> {
    const { _id, revision } = budget
    try {
      if (revision === 1) {
        await this.#db.within(this.#budgets().insertOne(budget, { writeConcern: durable }))
        return true
      }
      const before = { _id, revision: revision - 1 }
      const put = this.#budgets().replaceOne(before, budget, { writeConcern: durable })
      return (await this.#db.within(put)).matchedCount > 0
    } catch (error) {
      if (isDuplicate(error)) return false
      throw error
    }
  }

  #budgets() {
    return this.#db.collection(this.#model)
  }
}
