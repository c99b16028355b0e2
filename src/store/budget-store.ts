import type { Model } from 'mongoose'
import type { BudgetDoc } from '../../models/budget.js'
import { type Database } from './database.js'
import { putRevision } from './revisions.js'

export type { BudgetDoc }

export interface BudgetFilter {
  scope?: BudgetDoc['scope']
  subject_id?: string
}

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
  put(budget: BudgetDoc): Promise<boolean> {
    return putRevision(this.#db, this.#model, budget)
  }

  #budgets() {
    return this.#db.collection(this.#model)
  }
}
