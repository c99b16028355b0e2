import type { UnrecordedEvent } from '../event.js'

/** What became of a batch in the end. */
export interface BatchResult {
  stored: number
  duplicates: string[]
  /** Events that cannot be stored, each alone. */
  refused: { event: UnrecordedEvent; code: string }[]
}
