import { randomUUID } from 'node:crypto'
import type { Eraser } from './erasure/eraser.js'
import { Healing } from './limits/healing.js'
import { LateHealing } from './limits/late-healing.js'
import type { Limits } from './limits/limits.js'
import type { Ledger } from './ledger/ledger.js'
import type { Config } from './config.js'
import type { Logger } from './logger.js'
import { retain } from './retention/retain.js'
import { ClockSteps } from './rollup/clock-steps.js'
import { rollUp } from './rollup/roller.js'
import { sparingly } from './rollup/sparingly.js'
import { Schedule } from './schedule.js'
import type { Store } from './store/store.js'

/** When counters that have come to rest are held against the log. */
const healCron = '*/5 * * * *'

/** When what counters of limits were not told of is looked for. */
const lateCron = '* * * * *'

/** When old logs are deleted. */
const retentionCron = '17 * * * *'

/** When erasing is gone on with, and looked for names that have come back. */
const eraseCron = '* * * * *'

/** When each instance looks for erased persons in what it has itself. */
const asideCron = '* * * * *'

/** Something that one instance does by the clock, for all; right also where several do it at once. */
interface Job {
  /** Names its lease. */
  readonly name: string
  /** In the plural, for the log. */
  readonly what: string
  readonly cron: string
  readonly work: () => Promise<unknown>
}

/** What there is to work at. */
interface Worked {
  readonly store: Store
  readonly limits: Limits
  readonly eraser: Eraser
  readonly ledger: Pick<Ledger, 'depth'>
}

/** What an instance does by the clock: for all, unless it leaves that to others, and for itself. */
export class Jobs {
  readonly #schedules: readonly Schedule[]
  readonly #eraser: Eraser
  readonly #stopping = new AbortController()

  constructor(config: Config, { store, limits, eraser, ledger }: Worked) {
    const { rollup, clock, logger, retention } = config
    const calendarOf = (subject: string) => limits.calendarOf(subject)
    const healing = new Healing({ store, clock, calendarOf })
    const late = new LateHealing({ store, clock, calendarOf, rules: limits.rules })
    const elapsed = () => clock.elapsed()
    const steps = new ClockSteps(elapsed)
    const behind = { depth: () => ledger.depth, elapsed }
    const rollUpSparingly = sparingly(() => rollUp(store, steps), behind)
    const jobs: Job[] = [
      { name: 'rollup', what: 'roll-ups', cron: rollup.cron, work: rollUpSparingly },
      { name: 'heal', what: 'looks at counters', cron: healCron, work: () => healing.run() },
      { name: 'late', what: 'looks at late operations', cron: lateCron, work: () => late.run() },
      {
        ...{ name: 'erase', what: 'looks after erased persons', cron: eraseCron },
        work: () => eraser.run(),
      },
    ]
    if (retention) {
      const { signal } = this.#stopping
      const options = { ...retention, signal, elapsed: () => clock.elapsed() }
      const work = () => retain(store, options)
      jobs.push({ name: 'retain', what: 'deletions of old logs', cron: retentionCron, work })
    }
    this.#eraser = eraser
    const leaseOf = leases(store)
    const shared = rollup.enabled
      ? jobs.map(({ name, ...job }) => new Schedule({ ...job, lease: leaseOf(name), logger }))
      : []
    this.#schedules = [...shared, ownSchedule(eraser, logger)]
  }

  /** Stops, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#eraser.stop()
    await Promise.all(this.#schedules.map((schedule) => schedule.stop()))
  }
}

/** What no instance can do for another. */
function ownSchedule(eraser: Eraser, logger: Logger): Schedule {
  return new Schedule({
    ...{ what: 'looks for erased persons on this machine', cron: asideCron, logger },
    work: () => eraser.runHere(),
    lease: { take: () => Promise.resolve(true), giveBack: () => Promise.resolve() },
  })
}

/** The leases of this instance. */
function leases({ leases }: Pick<Store, 'leases'>) {
  const owner = randomUUID()
  return (job: string) => ({
    take: (ms: number) => leases.take(job, owner, ms),
    giveBack: () => leases.giveBack(job, owner),
  })
}
