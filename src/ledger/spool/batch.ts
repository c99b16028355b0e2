import type { UnrecordedEvent } from '../../event.js'

/** Events that were read back from disk. */
export interface Batch {
  readonly events: UnrecordedEvent[]
  /** To be called when all of them are in `usage_logs`, or put aside. */
  readonly settle: () => Promise<void> | void
}

/** Where batches come from; undefined when there is nothing now. */
export type BatchSource = (maxEvents: number) => Promise<Batch | undefined>
