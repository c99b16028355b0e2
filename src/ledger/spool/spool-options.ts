import * as z from 'zod'

/**
 * When the disk is asked to keep what was written: `interval` within 200 ms, `strict` before `record`
 * and `POST /events` answer, `off` never.
 */
export type Fsync = 'interval' | 'strict' | 'off'

/** What events that wait survive: a power cut (but for 200 ms), the process, or nothing. */
export type Durability = 'disk_strict' | 'disk_interval' | 'disk' | 'memory'

export const durabilities = {
  interval: 'disk_interval',
  strict: 'disk_strict',
  off: 'disk',
} as const satisfies Record<Fsync, Durability>

/** Option `spool`, with defaults. */
export interface SpoolConfig {
  /** Undefined: a directory of this app's own under the system's temporary one. */
  readonly dir?: string | undefined
  readonly fsync: Fsync
  readonly maxBytes: number
  readonly whenFull: 'memory' | 'refuse'
}

const minBytes = 16 * 1024 * 1024

/** @internal */
export const spoolSchema = z
  .union([
    z.strictObject({
      dir: z.string().min(1).max(4096).optional(),
      fsync: z.enum(['interval', 'strict', 'off']).default('interval'),
      maxBytes: z
        .int()
        .min(minBytes)
        .max(2 ** 50)
        .default(1024 ** 3),
      whenFull: z.enum(['memory', 'refuse']).default('memory'),
    }),
    z.literal(false),
  ])
  .prefault({})
