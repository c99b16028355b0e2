import { Healing } from './limits/healing.js'
import type { Limits } from './limits/limits.js'
import type { Config } from './config.js'
import { rollUp } from './rollup/roller.js'
import { Schedule } from './schedule.js'
import type { Store } from './store/store.js'

/** When counters that have come to rest are held against the log. */
const healCron = '*/5 * * * *'

/** What an instance does by the clock, unless it leaves that to others. */
export class Jobs {
  readonly #schedules: readonly Schedule[]

  constructor({ rollup, clock, logger }: Config, store: Store, limits: Limits) {
    const calendarOf = (subject: string) => limits.calendarOf(subject)
    const healing = new Healing({ store, clock, calendarOf })
    const jobs = [
      { what: 'roll-ups', cron: rollup.cron, work: () => rollUp(store) },
      { what: 'looks at counters', cron: healCron, work: () => healing.run() },
    ]
    this.#schedules = rollup.enabled ? jobs.map((job) => new Schedule({ ...job, logger })) : []
  }

  /** Stops, and waits for what is under way. */
  async stop(): Promise<void> {
    await Promise.all(this.#schedules.map((schedule) => schedule.stop()))
  }
}
