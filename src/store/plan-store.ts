import type { Model } from 'mongoose'
import type { PlanDoc } from '../../models/plan.js'
import { durable, type Database } from './database.js'
import { putRevision } from './revisions.js'

export type { PlanDoc }

/** `usage_plans` in domain verbs. */
export class PlanStore {
  readonly #db: Database
  readonly #model: Model<PlanDoc>

  constructor(db: Database, model: Model<PlanDoc>) {
    this.#db = db
    this.#model = model
  }

  /** All of them: they are few. */
  all(): Promise<PlanDoc[]> {
    return this.#db.within(this.#plans().find().sort({ _id: 1 }).toArray())
  }

  async find(tier: string): Promise<PlanDoc | undefined> {
    return (await this.#db.within(this.#plans().findOne({ _id: { $eq: tier } }))) ?? undefined
  }

  /** Puts a plan in place of that of the revision before; false when there is another by now. */
  put(plan: PlanDoc): Promise<boolean> {
    return putRevision(this.#db, this.#model, plan)
  }

  /** Removes a plan as it was at `revision`; false when there is another by now. */
  async remove({ _id, revision }: PlanDoc): Promise<boolean> {
    const remove = this.#plans().deleteOne({ _id, revision }, { writeConcern: durable })
    return (await this.#db.within(remove)).deletedCount > 0
  }

  #plans() {
    return this.#db.collection(this.#model)
  }
}
