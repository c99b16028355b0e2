import type { Durability } from './spool/spool-options.js'

/** What the ledger has done and holds; counts since start. */
export interface LedgerStats {
  /** Events that are not in `usage_logs` yet, on disk and in memory. */
  depth: number
  /** Those of them that are held in memory. */
  in_memory: number
  oldest_ms: number
  /** On disk. */
  bytes: number
  durability: Durability
  accepted: number
  stored: number
  duplicates: number
  refused: number
  dropped: number
  retries: number
  /** Stretches of spooled files that could not be read. */
  damaged: number
}
