import type { UnrecordedEvent } from '../../event.js'
import { DeadLetters, type Rewriting } from './dead-letters.js'
import type { SpoolFiles } from './files.js'
import type { Quarantine } from './quarantine.js'

/** What was put aside in a spool directory: events that were refused, and damaged stretches. */
export class Aside {
  readonly #letters: DeadLetters
  readonly #quarantine: Quarantine

  constructor(files: SpoolFiles, root: string, writer: string, quarantine: Quarantine) {
    this.#letters = new DeadLetters(files, root, writer)
    this.#quarantine = quarantine
  }

  /** Puts refused events aside. Resolves when they are on the disk. */
  add(refused: readonly { event: UnrecordedEvent; code: string }[], now: number): Promise<void> {
    return this.#letters.add(refused, now)
  }

  /** Rewrites events, and blanks what is damaged. Answers the codes of failures. Never rejects. */
  async rewrite(rewriting: Rewriting): Promise<string[]> {
    const failures = await this.#letters.rewrite(rewriting)
    return [...failures, ...(await this.#quarantine.blank(rewriting.userIds))]
  }
}
