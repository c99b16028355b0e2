import { clearTimeout, setTimeout } from 'node:timers'
import type { Logger } from '../../logger.js'
import type { WriterDirectory } from './directory.js'
import { codeOf } from './files.js'

/** How soon what could not be opened is tried again, ms. */
const againMs = 2_000

export interface OpeningOptions {
  readonly directory: WriterDirectory
  /** See `WriterDirectory.open`. */
  readonly isOurs: boolean
  readonly logger: Logger
  /** There is a directory; `isLate`: after there was none for a while. */
  readonly onOpen: (isLate: boolean) => Promise<void>
  /** There is none, until `onOpen`. */
  readonly onFailed: (code: string) => void
}

/** Opens the directory, and where it cannot be opened, or has gone since, again from time to time. */
export class Opening {
  readonly #options: OpeningOptions
  #trying: Promise<void>
  #timer: NodeJS.Timeout | undefined
  #isLate = false
  #isStopped = false

  /** Begins at once. */
  constructor(options: OpeningOptions) {
    this.#options = options
    this.#trying = this.#try()
  }

  /** Resolves when what is being tried, at the start or now, has come to something. */
  tried(): Promise<void> {
    return this.#trying
  }

  /** It could not be opened, or was open and is not any more. */
  failed(code: string): void {
    const { directory, logger, onFailed } = this.#options
    if (!this.#isLate) {
      const what = `${directory.root} cannot be used (${code})`
      logger.warn(`usage: no spool, events are held in memory only: ${what}`)
    }
    this.#isLate = true
    onFailed(code)
    if (this.#isStopped) return
    this.#timer = setTimeout(() => void (this.#trying = this.#try()), againMs).unref()
  }

  /** Tries no more; resolves when nothing is being tried. */
  stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    return this.#trying
  }

  async #try(): Promise<void> {
    const { directory, isOurs, logger, onOpen } = this.#options
    try {
      await directory.open(isOurs)
    } catch (error) {
      this.failed(codeOf(error))
      return
    }
    const isLate = this.#isLate
    this.#isLate = false
    if (isLate) logger.info(`usage: ${directory.root} can be used: events are put on disk again`)
    await onOpen(isLate)
  }
}
