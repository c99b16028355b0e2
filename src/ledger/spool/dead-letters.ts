import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { UnrecordedEvent } from '../../event.js'
import { layout } from './directory.js'
import { eventOfJson } from './event-json.js'
import { fileMode, makeDirectories, replaceFile, type SpoolFiles } from './files.js'

/** An event that MongoDB refuses for good, or that comes when the log of its day is gone. */
export interface DeadLetter {
  /** Why: a short code. */
  readonly code: string
  readonly at: string
  readonly event: UnrecordedEvent
}

/** An event in the place of another; undefined: it stays. */
export type Change = (event: UnrecordedEvent) => UnrecordedEvent | undefined

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

  /**
   * Rewrites the events that were put aside, of all processes; those for which `change` answers nothing
   * stay. A file is taken by renaming it, so that nothing that is put aside meanwhile is lost.
   */
  async rewrite(change: Change): Promise<void> {
    const names = await this.#files.readdir(this.#directory).catch(() => [])
    for (const name of names) {
      if (name.includes(deadLetterSuffix)) await this.#rewriteFile(name, change)
    }
  }

  async #rewriteFile(name: string, change: Change): Promise<void> {
    const files = this.#files
    const path = join(this.#directory, name)
    if (!changesAny(await files.readFile(path, 'utf8'), change)) return
    const taken = `${path}.${randomUUID().slice(0, 8)}`
    await files.rename(path, taken)
    const lines = (await files.readFile(taken, 'utf8')).split('\n')
    const changed = lines.map((line) => changedLine(line, change) ?? line)
    await replaceFile(files, taken, changed.join('\n'))
  }

  /** Resolves when they are on the disk. */
  async add(refused: readonly { event: UnrecordedEvent; code: string }[], now: number) {
    await makeDirectories(this.#files, this.#directory)
    const at = new Date(now).toISOString()
    const lines = refused.map(({ event, code }) => letterLine({ code, at, event }))
    await this.#files.appendFile(this.#path, lines.join(''), { mode: fileMode, flush: true })
  }
}

function changesAny(text: string, change: Change): boolean {
  return text.split('\n').some((line) => changedLine(line, change) !== undefined)
}

/** Undefined where it stays as it is. */
function changedLine(line: string, change: Change): string | undefined {
  try {
    const letter = JSON.parse(line) as DeadLetter
    const event = eventOfJson(letter.event)
    const changed = event && change(event)
    return changed && letterLine({ ...letter, event: changed }).trimEnd()
  } catch {
    return undefined
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
