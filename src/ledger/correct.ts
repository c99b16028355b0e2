import type { Clock } from '../clock.js'
import type { Correction } from '../event.js'
import { slowWriteMs } from '../rollup/freshness.js'
import type { Store } from '../store/store.js'

/**
 * Puts later figures in the place of an event's own, and stamps it as recorded now, so that reads
 * and rollups take its window up again (see rollup/freshness.ts). Sets values and adds nothing:
 * again and again gives the same. False when the event is not in the log.
 */
export async function correctEvent(
  store: Pick<Store, 'db' | 'logs'>,
  clock: Clock,
  id: string,
  correction: Correction,
): Promise<boolean> {
  for (;;) {
    const now = await store.db.serverNow()
    const began = clock.elapsed()
    if (!(await store.logs.correct(id, correction, now))) return false
    // A stamp that took long to become visible may have been passed by: stamp again.
    if (clock.elapsed() - began < slowWriteMs) return true
  }
}
