import type { Model } from 'mongoose'
import { v7 as uuidv7 } from 'uuid'
import type { CounterDoc, CounterPart } from '../../models/counter.js'
import { durable, type Database } from './database.js'
import type { Renaming } from './person-logs.js'

const majority = { writeConcern: durable } as const
/** How long after an erasure nothing but the old account can have been merged, or taken from the log, ms. */
const mergedMs = 60_000

/**
 * The counter of a person. Parts say by whose name they are when that instance began to count: what was
 * begun before an instant is the old account's, whoever has told the counter something since.
 */
export class PersonCounter {
  readonly #db: Database
  readonly #model: Model<CounterDoc>

  constructor(db: Database, model: Model<CounterDoc>) {
    this.#db = db
    this.#model = model
  }

  /**
   * Puts what was counted before under the new name. What runs still is settled under the old name, which
   * is a new account's by then.
   */
  async rename({ from, to, until }: Renaming): Promise<void> {
    const found = await this.#counters().findOne({ _id: { $eq: `user:${from}` } })
    if (found === null) return
    const now = await this.#db.serverNow()
    const isOld = found.updated_at < until || now.getTime() - until.getTime() < mergedMs
    const { before, names } = split(found.parts, until, isOld)
    if (before.length === 0) return
    const parts = before.map((part) => ({ ...part, hr: 0, ht: 0, hc: 0 }))
    const renamed = { parts, updated_at: found.updated_at }
    await this.#counters().updateOne(
      { _id: `user:${to}` },
      { $setOnInsert: renamed },
      { upsert: true, ...majority },
    )
    await this.#remove(found._id, names)
  }

  /** Removes what an instance has said again before it heard. */
  async removeEcho({ from, until }: Renaming): Promise<void> {
    const found = await this.#counters().findOne({ _id: { $eq: `user:${from}` } })
    const { names } = split(found?.parts ?? [], until, false)
    if (names.length > 0) await this.#remove(`user:${from}`, names)
  }

  async #remove(_id: string, names: readonly string[]): Promise<void> {
    const update = { $pull: { parts: { i: { $in: [...names] } } }, $unset: { flows: '' as const } }
    await this.#counters().updateOne({ _id }, update, majority)
    await this.#counters().deleteOne({ _id, parts: { $size: 0 } }, majority)
  }

  #counters() {
    return this.#db.collection(this.#model)
  }
}

/** What was begun before an instant; what is of no one instance is, if so said. */
function split(parts: readonly CounterPart[], until: Date, ofNoneToo: boolean) {
  const first = uuidv7({ msecs: until.getTime(), random: new Uint8Array(16) })
  const before = parts.filter(({ i }) => (isInstance(i) ? i < first : ofNoneToo))
  return { before, names: [...new Set(before.map(({ i }) => i))] }
}

function isInstance(name: string): boolean {
  return /^[\da-f]{8}-/.test(name)
}
