import type { Model } from 'mongoose'
import type { PlanDoc } from '../../models/plan.js'
import { isDuplicate, type Database } from './database.js'

export type { PlanDoc }

const durable = { w: 'majority', journal: true } as const

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
  async put(plan: PlanDoc): Promise<boolean> {
    const { _id, revision } = plan
    try {
      if (revision === 1) {
        await this.#db.within(this.#plans().insertOne(plan, { writeConcern: durable }))
        return true
      }
      const before = { _id, revision: revision - 1 }
      const put = this.#plans().replaceOne(before, plan, { writeConcern: durable })
      return (await this.#db.within(put)).matchedCount > 0
    } catch (error) {
      if (isDuplicate(error)) return false
      throw error
    }
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
