import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** Memory of a process, bytes. */
export interface Memory {
  /** What is in memory of all that it has mapped: Node's own file too, as far as it was read. */
  readonly resident: number
  /** What is nobody else's, and no file's: what the system has back when the process ends. */
  readonly own: number
}

/** Memory without garbage. Linux tells what is a process's own; elsewhere that is NaN. */
export async function collectedMemory(): Promise<Memory> {
  const resident = await collectedRss()
  const rollup = await readFile('/proc/self/smaps_rollup', 'utf8').catch(() => '')
  return { resident, own: Number(/^Private_Dirty: +(\d+) kB$/m.exec(rollup)?.[1] ?? NaN) * 1024 }
}

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
