import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Resident memory without garbage, bytes. V8 gives the pages that it needs no more back to the system
 * beside what runs, some milliseconds after a collection. Needs `--expose-gc`.
 */
export async function collectedRss(): Promise<number> {
  globalThis.gc?.()
  await sleep(200)
  return process.memoryUsage.rss()
}
