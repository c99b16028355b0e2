import { join } from 'node:path'
import type { UnrecordedEvent } from '../../event.js'
import { layout } from './directory.js'
import { fileMode, makeDirectories, type SpoolFiles } from './files.js'

/** An event that MongoDB refuses for good, or that comes when the log of its day is gone. */
export interface DeadLetter {
  /** Why: a short code. */
  readonly code: string
  readonly at: string
  readonly event: UnrecordedEvent
}

export const deadLetterSuffix = '.jsonl'

/** Puts events aside that would be refused again and again, one line each, for `npm run spool`. */
export class DeadLetters {
  readonly #files: SpoolFiles
  readonly #directory: string
  readonly #path: string

  constructor(files: SpoolFiles, root: string, writer: string) {
    this.#files = files
    this.#directory = join(root, layout.deadLetters)
    this.#path = join(this.#directory, writer + deadLetterSuffix)
  }

  /** Resolves when they are on the disk. */
  async add(refused: readonly { event: UnrecordedEvent; code: string }[], now: number) {
    await makeDirectories(this.#files, this.#directory)
    const at = new Date(now).toISOString()
    const lines = refused.map(({ event, code }) => letterLine({ code, at, event }))
    await this.#files.appendFile(this.#path, lines.join(''), { mode: fileMode, flush: true })
  }
}

export function letterLine(letter: DeadLetter): string {
  try {
    return `${JSON.stringify(letter)}\n`
  } catch {
    // What cannot be written as JSON at all (it holds itself, say) was of the host's own making.
    const { _id, user_id, operation_type, timestamp } = letter.event
    const event = { _id, user_id, operation_type, timestamp }
    return `${JSON.stringify({ ...letter, code: `${letter.code}, not JSON`, event })}\n`
  }
}
