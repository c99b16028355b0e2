import type { Eraser } from './erasure/eraser.js'
import { Healing } from './limits/healing.js'
import type { Limits } from './limits/limits.js'
import type { Config } from './config.js'
import { retain } from './retention/retain.js'
import { rollUp } from './rollup/roller.js'
import { Schedule, type ScheduleOptions } from './schedule.js'
import type { Store } from './store/store.js'

/** When counters that have come to rest are held against the log. */
const healCron = '*/5 * * * *'

/** When old logs are deleted. */
const retentionCron = '17 * * * *'

/** When erasing is gone on with, and looked for names that have come back. */
const eraseCron = '* * * * *'

/** What there is to work at. */
interface Worked {
  readonly store: Store
  readonly limits: Limits
  readonly eraser: Eraser
}

/** What an instance does by the clock, unless it leaves that to others. */
export class Jobs {
  readonly #schedules: readonly Schedule[]
  readonly #eraser: Eraser
  readonly #stopping = new AbortController()

  constructor(config: Config, { store, limits, eraser }: Worked) {
    const { rollup, clock, logger, retention } = config
    const calendarOf = (subject: string) => limits.calendarOf(subject)
    const healing = new Healing({ store, clock, calendarOf })
    const jobs: Pick<ScheduleOptions, 'what' | 'cron' | 'work'>[] = [
      { what: 'roll-ups', cron: rollup.cron, work: () => rollUp(store) },
      { what: 'looks at counters', cron: healCron, work: () => healing.run() },
      { what: 'looks after erased persons', cron: eraseCron, work: () => eraser.run() },
    ]
    if (retention) {
      const { signal } = this.#stopping
      const options = { ...retention, signal, elapsed: () => clock.elapsed() }
      const work = () => retain(store, options)
      jobs.push({ what: 'deletions of old logs', cron: retentionCron, work })
    }
    this.#eraser = eraser
    this.#schedules = rollup.enabled ? jobs.map((job) => new Schedule({ ...job, logger })) : []
  }

  /** Stops, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#eraser.stop()
    await Promise.all(this.#schedules.map((schedule) => schedule.stop()))
  }
}
