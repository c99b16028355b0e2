import type { Model } from 'mongoose'
import { v7 as uuidv7 } from 'uuid'
import type { AuditDoc } from '../../models/audit.js'
import { durable, type Database } from './database.js'
import type { Databases } from './databases.js'
import { beyond, newestFirst } from './newest-first.js'

export type { AuditDoc }

/** What is to be audited. `before` and `after` are stored as they are: never secrets. */
export type AuditEntry = Pick<
  AuditDoc,
  'actor' | 'action' | 'resource' | 'resource_id' | 'before' | 'after'
>

export type AuditFilter = Partial<Pick<AuditDoc, 'actor' | 'action' | 'resource' | 'resource_id'>>

/** Where a page of entries ended. */
export interface AuditPosition {
  at: Date
  id: string
}

/** `usage_audit` in domain verbs. */
export class AuditStore {
  readonly #db: Database
  readonly #reading: Database
  readonly #model: Model<AuditDoc>

  constructor({ admission, reading }: Databases, model: Model<AuditDoc>) {
    this.#db = admission
    this.#reading = reading
    this.#model = model
  }

  /**
   * Makes a change with an entry about it: written before, so that no change goes without one, and
   * settled after. `change` rejects when it was refused; its error is passed on.
   */
  async during<T>(entry: AuditEntry, change: () => Promise<T>): Promise<T> {
    const at = await this.#db.serverNow()
    const _id = uuidv7({ msecs: at.getTime() })
    const doc: AuditDoc = { _id, at, ...entry, outcome: 'pending' }
    await this.#db.within(this.#entries().insertOne(doc, { writeConcern: durable }))
    try {
      const changed = await change()
      await this.#settle(_id, 'applied')
      return changed
    } catch (error) {
      if (isRefusal(error)) await this.#settle(_id, 'refused')
      throw error
    }
  }

  /** A page, newest first. */
  async page(filter: AuditFilter, after: AuditPosition | undefined, limit: number) {
    const equal = Object.entries(filter).map(([field, value]) => ({ [field]: { $eq: value } }))
    const conditions = [...equal, ...(after ? beyond('at', after.at, after.id) : [])]
    const entries = this.#reading.collection(this.#model)
    return newestFirst('at', conditions, limit, (which, sort, most) => {
      return this.#reading.within(entries.find(which).sort(sort).limit(most).toArray())
    })
  }

  async #settle(_id: string, outcome: AuditDoc['outcome']): Promise<void> {
    const update = this.#entries().updateOne({ _id }, { $set: { outcome } })
    await this.#db.within(update).catch(() => undefined)
  }

  #entries() {
    return this.#db.collection(this.#model)
  }
}

/** A change that certainly was not made; an outage leaves it open. */
function isRefusal(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : ''
  return code === 'conflict' || code === 'not_found'
}
