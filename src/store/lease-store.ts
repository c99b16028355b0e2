import type { Model } from 'mongoose'
import type { LeaseDoc } from '../../models/lease.js'
import { isDuplicate, type Database } from './database.js'

/** `usage_leases` in domain verbs. */
export class LeaseStore {
  readonly #db: Database
  readonly #model: Model<LeaseDoc>

  constructor(db: Database, model: Model<LeaseDoc>) {
    this.#db = db
    this.#model = model
  }

  /**
   * Takes or renews the lease of a job for so long, ms, in one update; false while another has it. All
   * times are the database's. A lease that ends far later than one taken now could is worth nothing: it
   * was taken by a clock that was wrong. Somewhat later is not: of two who ask at once, the one whose
   * question came first may be answered last.
   */
  async take(job: string, owner: string, ms: number): Promise<boolean> {
    const until = { $add: ['$$NOW', ms] }
    const known = { $ifNull: ['$until', new Date(0)] }
    const isFree = {
      $or: [{ $lte: [known, '$$NOW'] }, { $gt: [known, { $add: ['$$NOW', 2 * ms] }] }],
    }
    const isOurs = { $or: [{ $eq: ['$owner', owner] }, isFree] }
    const taking = {
      owner: { $cond: [isOurs, owner, '$owner'] },
      until: { $cond: [isOurs, until, '$until'] },
    }
    const taken = this.#leases().findOneAndUpdate({ _id: job }, [{ $set: taking }], {
      upsert: true,
      returnDocument: 'after',
    })
    try {
      return (await this.#db.within(taken))?.owner === owner
    } catch (error) {
      // Another made it at the same moment.
      if (isDuplicate(error)) return false
      throw error
    }
  }

  /** Lets another have it at once. */
  async giveBack(job: string, owner: string): Promise<void> {
    await this.#db.within(this.#leases().deleteOne({ _id: job, owner }))
  }

  #leases() {
    return this.#db.collection(this.#model)
  }
}
