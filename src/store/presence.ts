import type { Model } from 'mongoose'
import type { IntervalDoc } from '../rollup/documents.js'
import type { LocalDay, Span } from '../time.js'
import type { Database } from './database.js'
import { dayOf } from './day-of.js'
import { inParts, rangesAtOnce, rangesOf } from './span-parts.js'

/** Which users did anything when; `usage_intervals` tell by an index alone. */
export class Presence {
  readonly #db: Database
  readonly #model: Model<IntervalDoc>

  constructor(db: Database, model: Model<IntervalDoc>) {
    this.#db = db
    this.#model = model
  }

  /** Who was there in these spans on each of some days: each once, or several times. */
  async byDay(spans: readonly Span[], days: readonly LocalDay[]) {
    return this.#ask<{ day: string; user_id: string }>(spans, days, [{ $replaceWith: '$_id' }])
  }

  /** How many they are. No two spans may have a part of the same day. */
  async countsByDay(spans: readonly Span[], days: readonly LocalDay[]) {
    return this.#ask<{ day: string; users: number }>(spans, days, [
      { $group: { _id: '$_id.day', users: { $sum: 1 } } },
      { $project: { _id: 0, day: '$_id', users: 1 } },
    ])
  }

  #ask<T extends object>(
    spans: readonly Span[],
    days: readonly LocalDay[],
    stages: readonly object[],
  ): Promise<T[]> {
    const group = { $group: { _id: { user_id: '$user_id', day: dayOf('$start', days) } } }
    return inParts(spans, rangesAtOnce, (some) => {
      const $or = rangesOf('start', some)
      // Those of everybody have no user.
      const pipeline = [{ $match: { user_id: { $type: 'string' }, $or } }, group, ...stages]
      const cursor = this.#db.collection(this.#model).aggregate<T>(pipeline)
      return this.#db.within(cursor.toArray())
    })
  }
}
