import type { Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Usage } from '../src/index.js'

interface Stopping {
  readonly server: Server
  readonly usage: Pick<Usage, 'close'>
  /** After which all is over, ms. */
  readonly deadlineMs: number
  readonly warn: (message: string) => void
}

/** Of the deadline, what answers have to end; the rest is for writing what they used. */
const answersShare = 0.6

/**
 * Takes no new connections and lets running answers end; those that do not are cut off in time to be
 * recorded as aborted. Then everything is written, or stays in the spool.
 */
export async function shutDown({ server, usage, deadlineMs, warn }: Stopping): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), deadlineMs * answersShare)
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  try {
    const [report] = await Promise.all([usage.close({ deadlineMs }), closed])
    if (!report.flushed) warn(`${report.left_in_spool} events wait in the spool`)
  } finally {
    clearTimeout(cut)
  }
}

/**
 * Ends the process in order at the first SIGTERM or SIGINT, at the deadline at the latest, and at once
 * at the second: what had been answered, and that the rest ran, is in the spool then.
 */
export function endBySignal(
  close: () => Promise<void>,
  { deadlineMs, warn }: Pick<Stopping, 'deadlineMs' | 'warn'>,
): void {
  let isStopping = false
  const stop = () => {
    if (isStopping) process.exit(1)
    isStopping = true
    warn('\nStopping: writing what is left. Again to stop at once.')
    const late = sleep(deadlineMs + 1_000).then(() => {
      throw new Error('Not everything could be closed in time.')
    })
    Promise.race([close(), late]).then(
      () => process.exit(0),
      (error: unknown) => {
        warn(error instanceof Error ? error.message : String(error))
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}
