import { createTask, type ScheduledTask } from 'node-cron'
import type { Logger } from './logger.js'

export interface ScheduleOptions {
  /** In the plural, for the log: "roll-ups". */
  readonly what: string
  readonly cron: string
  readonly work: () => Promise<unknown>
  readonly logger: Logger
}

/** That a run was skipped or late is nothing to tell anybody: the next one makes up for it. */
const silent = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  debug: () => undefined,
}

/** Runs something by cron. Any number of instances may do so; a missed run is made up by the next. */
export class Schedule {
  readonly #options: ScheduleOptions
  readonly #task: ScheduledTask
  #failing = false
  #running: Promise<void> | undefined

  /** Runs from now on. */
  constructor(options: ScheduleOptions) {
    this.#options = options
    const run = () => {
      this.#running ??= this.#run().finally(() => (this.#running = undefined))
      return this.#running
    }
    this.#task = createTask(options.cron, run, { noOverlap: true, unref: true, logger: silent })
    void this.#task.start()
  }

  async #run(): Promise<void> {
    const { what, work, logger } = this.#options
    try {
      await work()
      if (this.#failing) logger.info(`usage: ${what} are running again`)
      this.#failing = false
    } catch (error) {
      if (!this.#failing)
        logger.warn(`usage: ${what} failed and will be repeated: ${String(error)}`)
      this.#failing = true
    }
  }

  /** Stops, and waits for a run that is under way. */
  async stop(): Promise<void> {
    await this.#task.destroy()
    await this.#running
  }
}
