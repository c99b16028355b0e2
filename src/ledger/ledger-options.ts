import * as z from 'zod'

/** Option `ledger`, with defaults. */
export interface LedgerConfig {
  readonly maxEvents: number
  readonly batchSize: number
  readonly lingerMs: number
}

/** @internal */
export const ledgerSchema = z
  .strictObject({
    maxEvents: z.int().min(1).max(10_000_000).default(100_000),
    batchSize: z.int().min(1).max(10_000).default(500),
    lingerMs: z.number().min(0).max(1_000).default(50),
  })
  .prefault({})
