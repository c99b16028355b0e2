import { createTask, type ScheduledTask } from 'node-cron'
import { within } from './deadline.js'
import type { Logger } from './logger.js'

/** What spares instances a run that another does. It only saves work: nothing is wrong without it. */
export interface Lease {
  /** Takes or renews it for so long, ms; false while another has it. */
  take(ms: number): Promise<boolean>
  /** Lets another have it at once. */
  giveBack(): Promise<void>
}

export interface ScheduleOptions {
  /** In the plural, for the log: "roll-ups". */
  readonly what: string
  readonly cron: string
  readonly work: () => Promise<unknown>
  readonly lease: Lease
  readonly logger: Logger
}

/**
 * How many periods a lease is good for: its holder may come late, and when it is gone not more than one
 * run is left out.
 */
const leasePeriods = 1.5
/** What goes wrong is said by us; that a run is left out is nothing. */
const silent = { info: ignore, warn: ignore, error: ignore, debug: ignore }
/** How long giving a lease back may take, ms. */
const giveBackMs = 1_000

/**
 * Runs something by cron, on the one instance that has the lease, or wherever nobody can be asked about
 * it. Any number of instances may run at once; a missed run is made up by the next.
 */
export class Schedule {
  readonly #options: ScheduleOptions
  readonly #task: ScheduledTask
  #isStopped = false
  #isFailing = false
  #asking: Promise<boolean> | undefined
  #running: Promise<void> | undefined

  /** Runs from now on. */
  constructor(options: ScheduleOptions) {
    this.#options = options
    const run = () => {
      this.#running ??= this.#run().finally(() => (this.#running = undefined))
      return this.#running
    }
    this.#task = createTask(options.cron, run, {
      name: options.what,
      noOverlap: true,
      logger: silent,
      unref: true,
      distributed: true,
      runCoordinator: { shouldRun: () => this.#mayRun() },
    })
    // Who is busy still is not gone.
    this.#task.on('execution:overlap', () => void this.#mayRun())
    void this.#task.start()
  }

  #mayRun(): Promise<boolean> {
    if (this.#isStopped) return Promise.resolve(false)
    this.#asking ??= this.#options.lease
      .take(this.#leaseMs())
      .catch(() => true)
      .finally(() => (this.#asking = undefined))
    return this.#asking
  }

  #leaseMs(): number {
    const [next, after] = this.#task.getNextRuns(2).map((run) => run.getTime())
    return leasePeriods * ((after ?? 0) - (next ?? 0))
  }

  async #run(): Promise<void> {
    const { what, work, logger } = this.#options
    if (this.#isStopped) return
    try {
      await work()
      if (this.#isFailing) logger.info(`usage: ${what} are running again`)
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing)
        logger.warn(`usage: ${what} failed and will be repeated: ${String(error)}`)
      this.#isFailing = true
    }
  }

  /** Stops, waits for a run that is under way, and lets another instance go on. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#task.destroy()
    await this.#asking
    await this.#running
    await within(this.#options.lease.giveBack(), giveBackMs).catch(() => false)
  }
}

function ignore(): void {
  // Nothing to say.
}
