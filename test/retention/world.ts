import type { Connection } from 'mongoose'
import { modelsUsage } from '../../src/insight/models.js'
import { users } from '../../src/insight/users.js'
import { plansOf } from '../../src/limits/plan-options.js'
import { PlanBook } from '../../src/limits/plans.js'
import { retain, type RetentionDoor, type RetentionReport } from '../../src/retention/retain.js'
import { dayMs, floorTo, type Span } from '../../src/time.js'
import { World } from '../rollup/support.js'

export const logsDays = 36
const plans = { plans: plansOf({}, 'open'), defaultPlan: 'free', trustTierClaim: true }
const rules = { tierOf: () => undefined, adjust: (_: string, plan: never) => plan }
const book = new PlanBook(plans, rules, () => undefined)

/** A world that deletes old logs. */
export class KeepingWorld extends World {
  readonly #logs: ReturnType<Connection['collection']>

  constructor(connection: Connection, now: string | number) {
    super(connection, now)
    this.#logs = connection.collection('usage_logs')
  }

  keeping(instance: 0 | 1 = 0): RetentionDoor {
    const { retention, erasures } = this.store
    return { ...this.door(instance), retention, erasures }
  }

  retain(door = this.keeping(), signal = new AbortController().signal): Promise<RetentionReport> {
    return retain(door, { logsDays, signal, elapsed: () => performance.now(), settleMs: 0 })
  }

  logsBefore(at: Date): Promise<number> {
    return this.#logs.countDocuments({ timestamp: { $lt: at } })
  }

  /** Midnight of the first day that is kept. */
  get keptFrom(): Date {
    return new Date(floorTo(this.now - logsDays * dayMs, dayMs))
  }

  /** Everything that is answered of a span in some zones, as JSON. */
  async answers(span: Span, userIds: readonly string[], timezones: readonly string[]) {
    const answers: unknown[] = []
    for (const timezone of timezones) {
      for (const id of userIds) answers.push(await this.userUsage(id, span, timezone))
      answers.push(await this.globalUsage(span, timezone))
      const free = () => ({ cost_nano_usd: null })
      answers.push(await modelsUsage(this.store, { span, timezone, compare: [] }, free))
      const query = { sort: 'user_id', ascending: true, limit: 50 } as const
      const zone = { now: this.now, timezone }
      answers.push((await users(this.store, book, query, zone)).rows)
    }
    return JSON.stringify(answers, null, 1)
  }
}
