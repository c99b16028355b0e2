import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Resident memory without garbage, bytes. V8 gives the pages that it needs no more back to the system
 * beside what runs, some milliseconds after a collection; of a heap that had grown, with the next one.
 * Needs `--expose-gc`.
 */
export async function collectedRss(): Promise<number> {
  for (let collection = 0; collection < 2; collection++) {
    globalThis.gc?.()
    await sleep(200)
  }
  return process.memoryUsage.rss()
}
