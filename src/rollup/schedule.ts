import { createTask, type ScheduledTask } from 'node-cron'
import type { Logger } from '../logger.js'
import { rollUp, type RollupDoor } from './roller.js'

interface ScheduleOptions {
  readonly rollup: { readonly cron: string; readonly enabled: boolean }
  readonly logger: Logger
}

/** Runs the roller by cron. Any number of instances may do so; a missed run is made up by the next. */
export class RollupSchedule {
  readonly #task: ScheduledTask | undefined
  #failing = false
  #running: Promise<void> | undefined

  constructor(store: RollupDoor, { rollup, logger }: ScheduleOptions) {
    if (!rollup.enabled) return
    const run = () => {
      this.#running ??= this.#run(store, logger).finally(() => (this.#running = undefined))
      return this.#running
    }
    this.#task = createTask(rollup.cron, run, { noOverlap: true, unref: true })
  }

  async #run(store: RollupDoor, logger: Logger): Promise<void> {
    try {
      await rollUp(store)
      if (this.#failing) logger.info('usage: rollups are running again')
      this.#failing = false
    } catch (error) {
      if (!this.#failing)
        logger.warn(`usage: a roll-up failed and will be repeated: ${String(error)}`)
      this.#failing = true
    }
  }

  start(): void {
    void this.#task?.start()
  }

  /** Stops, and waits for a run that is under way. */
  async stop(): Promise<void> {
    await this.#task?.destroy()
    await this.#running
  }
}
