import { clearInterval, setInterval } from 'node:timers'
import type { Clock } from '../../clock.js'
import type { Logger } from '../../logger.js'
import { Episode } from '../episode.js'
import type { WriterDirectory } from './directory.js'
import { codeOf, type SpoolFiles } from './files.js'
import type { Inheritance } from './inheritance.js'
import type { Log } from './log.js'
import { bytesOfOthers } from './measure.js'
import { Takeover } from './takeover.js'

/** How often segments are looked at, a sign of life is given, others are looked for, ms. */
const tickMs = 1_000
const beatMs = 5_000
const lookMs = 5_000

export interface UpkeepOptions {
  readonly files: SpoolFiles
  readonly clock: Clock
  readonly logger: Logger
  readonly directory: WriterDirectory
  readonly log: Log
  readonly inheritance: Inheritance
  /** Something was taken over. */
  readonly onTaken: () => void
  /** Files were removed, and there are others: what was in them is to be written anew. */
  readonly onRemoved: () => void
  /** Our directory was taken from us, or removed, and there is no other. */
  readonly onFenced: (code: string) => void
}

/** What a spool does now and then: signs of life, looking for the dead, measuring, renewing. */
export class Upkeep {
  readonly #options: UpkeepOptions
  readonly #takeover: Takeover
  readonly #episode: Episode
  #timers: NodeJS.Timeout[] = []
  #database: string | undefined
  #identify: (() => Promise<string>) | undefined
  #looking: Promise<void> | undefined
  #beating: Promise<void> | undefined
  #bytesOfOthers = 0
  #isOpen = false
  #isStopped = false
  #reason = ''

  constructor(options: UpkeepOptions) {
    this.#options = options
    const { files, clock, logger, directory } = options
    this.#takeover = new Takeover(files, clock, directory)
    this.#episode = new Episode(clock, () => logger.warn(`usage: ${this.#reason}`))
  }

  get bytesOfOthers(): number {
    return this.#bytesOfOthers
  }

  /** There is a directory, and it is ours. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** There is a directory, from now on. */
  start(): void {
    this.#isOpen = true
    if (this.#timers.length > 0 || this.#isStopped) return
    const every = (ms: number, work: () => void) => {
      this.#timers.push(setInterval(work, ms).unref())
    }
    every(tickMs, () => this.#options.log.tick())
    every(beatMs, () => this.#beat())
    every(lookMs, () => void this.#look())
    void this.#look()
  }

  /** From now on what is left for the database of that name is taken over, as soon as it tells it. */
  async takeOver(identify: () => Promise<string>): Promise<void> {
    this.#identify = identify
    await this.#looking
    await this.#look()
  }

  async stop(): Promise<void> {
    // What has been removed since the last look is still written anew.
    if (this.#isOpen) this.#beat()
    await this.#beating
    this.#isStopped = true
    for (const timer of this.#timers) clearInterval(timer)
    this.#timers = []
    await this.#looking
  }

  /** Removes our directory, or leaves it to others when it holds something. */
  async leave(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    const { directory, log, inheritance } = this.#options
    await inheritance.finish()
    const isEmpty = log.segments.count === 0 && inheritance.isEmpty
    try {
      if (!isEmpty || !(await directory.remove())) await directory.release()
    } catch (error) {
      this.#complain(`the spool could not be closed (${codeOf(error)})`)
    }
  }

  #beat(): void {
    this.#beating ??= this.#beatNow().finally(() => (this.#beating = undefined))
  }

  async #beatNow(): Promise<void> {
    const { directory, clock, log, onRemoved } = this.#options
    const isOurs = await directory.beat(clock.now())
    if (isOurs && (await log.check())) onRemoved()
    if (!isOurs && this.#isOpen && !this.#isStopped) await this.#startAgain()
  }

  /**
   * We were silent for so long that others took us for dead, and have what was in it: what they may not
   * have seen is written anew. Or somebody has removed it: then all that we know is.
   */
  async #startAgain(): Promise<void> {
    const { directory, log, onRemoved, onFenced } = this.#options
    const isTaken = await directory.isAdopted()
    this.#complain(
      isTaken
        ? 'another process has taken the spool directory, as of a dead one; a new one is used'
        : 'the spool directory has been removed while in use; a new one is used',
    )
    try {
      await directory.reopen()
      await log.check(true)
      if (!isTaken) {
        log.segments.lose()
        onRemoved()
      }
    } catch (error) {
      this.#isOpen = false
      onFenced(codeOf(error))
    }
  }

  #look(): Promise<void> {
    if (this.#isStopped) return Promise.resolve()
    this.#looking ??= this.#lookNow()
      .catch((error: unknown) => {
        this.#complain(`what other processes left cannot be read (${codeOf(error)})`)
      })
      .finally(() => (this.#looking = undefined))
    return this.#looking
  }

  async #lookNow(): Promise<void> {
    const { files, directory } = this.#options
    if (!this.#isOpen) return
    await this.#learnDatabase()
    // What was taken, and could not be looked at then.
    for (const taken of await directory.adopted()) await this.#takeIn(taken)
    if (this.#database !== undefined) {
      for await (const taken of this.#takeover.scan(this.#database)) await this.#takeIn(taken)
    }
    this.#bytesOfOthers = await bytesOfOthers(files, directory.root, directory.name)
  }

  /** One that cannot be looked at now is looked at again next time. */
  async #takeIn(taken: string): Promise<void> {
    const { inheritance, onTaken } = this.#options
    try {
      if (await inheritance.add(taken)) onTaken()
    } catch (error) {
      this.#complain(`what another process left cannot be read (${codeOf(error)})`)
    }
  }

  /** Whose events ours are: others must know, should we die. */
  async #learnDatabase(): Promise<void> {
    if (this.#database !== undefined) return
    const database = await this.#identify?.().catch(() => undefined)
    if (database === undefined) return
    await this.#options.directory.setDatabase(database)
    this.#database = database
  }

  #complain(reason: string): void {
    this.#reason = reason
    this.#episode.happened()
  }
}
