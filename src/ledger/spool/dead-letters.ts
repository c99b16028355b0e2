import { join } from 'node:path'
import type { UnrecordedEvent } from '../../event.js'
import { layout } from './directory.js'
import { eventOfJson } from './event-json.js'
import { fileMode, inEachFile, makeDirectories, type SpoolFiles } from './files.js'
import { deadLetterSuffix, linesOf, rewriteLetters } from './letter-file.js'

/** An event that MongoDB refuses for good, or that comes when the log of its day is gone. */
export interface DeadLetter {
  /** Why: a short code. */
  readonly code: string
  readonly at: string
  readonly event: UnrecordedEvent
}

/** What is to be changed of what was put aside. */
export interface Rewriting {
  /** Whose names are to go. */
  readonly userIds: readonly string[]
  /** An event of theirs in the place of another, by when it was put aside; undefined: it stays. */
  readonly change: (event: UnrecordedEvent, asideAt: Date) => UnrecordedEvent | undefined
}

/** How each line begins. One whose end was never written may have another behind it. */
const lineBegins = /(?=\{"code":"[^"]*","at":")/

/** Puts events aside that would be refused again and again, one line each, for `npm run spool`. */
export class DeadLetters {
  readonly #files: SpoolFiles
  readonly #directory: string
  readonly #path: string
  /** A line was begun, and its end may be missing. */
  #isCutOff = false

  constructor(files: SpoolFiles, root: string, writer: string) {
    this.#files = files
    this.#directory = join(root, layout.deadLetters)
    this.#path = join(this.#directory, writer + deadLetterSuffix)
  }

  /**
   * Rewrites the events that were put aside, of all processes. Lines that are none go where they hold a
   * name that is to go. Answers the codes of failures, one for each file that stays as it was. Never
   * rejects.
   */
  rewrite(rewriting: Rewriting): Promise<string[]> {
    const files = this.#files
    const names = rewriting.userIds.map((userId) => JSON.stringify(userId))
    const change = (lines: readonly string[]) =>
      lines.flatMap((line) => changedLine(line, names, rewriting))
    return inEachFile(files, this.#directory, async (path) => {
      if (!path.includes(deadLetterSuffix)) return
      const text = await files.readFile(path, 'utf8')
      if (!names.some((name) => text.includes(name))) return
      const lines = linesOf(text)
      if (change(lines).join('\n') === lines.join('\n')) return
      await rewriteLetters(files, path, change)
    })
  }

  /** Resolves when they are on the disk. */
  async add(refused: readonly { event: UnrecordedEvent; code: string }[], now: number) {
    await makeDirectories(this.#files, this.#directory)
    const at = new Date(now).toISOString()
    const lines = refused.map(({ event, code }) => letterLine({ code, at, event }))
    const text = (this.#isCutOff ? '\n' : '') + lines.join('')
    this.#isCutOff = true
    await this.#files.appendFile(this.#path, text, { mode: fileMode, flush: true })
    this.#isCutOff = false
  }
}

/** What stands in the place of a line: itself, mostly. */
function changedLine(line: string, names: readonly string[], { change }: Rewriting): string[] {
  const hasName = (text: string) => names.some((name) => text.includes(name))
  if (!hasName(line)) return [line]
  const parts = letterOf(line) === undefined ? line.split(lineBegins) : [line]
  return parts.flatMap((part) => {
    const letter = letterOf(part)
    if (letter === undefined) return hasName(part) ? [] : [part]
    const event = change(letter.event, new Date(letter.at))
    return [event === undefined ? part : letterLine({ ...letter, event }).trimEnd()]
  })
}

/** Undefined where a line is none. */
export function letterOf(line: string): DeadLetter | undefined {
  try {
    const { code, at, event } = JSON.parse(line) as DeadLetter
    const known = eventOfJson(event)
    return known === undefined ? undefined : { code, at, event: known }
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
