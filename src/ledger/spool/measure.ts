import { join } from 'node:path'
import { layout } from './directory.js'
import type { SpoolFiles } from './files.js'
import { framesIn } from './frame.js'
import { readAll } from './segment-bytes.js'
import { segmentSuffix } from './segments.js'

/** Bytes that others hold in a spool directory: the limit is the directory's, not a process's. */
export async function bytesOfOthers(
  files: SpoolFiles,
  root: string,
  mine: string,
): Promise<number> {
  let sum = 0
  for (const name of await files.readdir(root)) {
    if (name !== mine && name.startsWith(layout.writerPrefix)) {
      sum += await bytesIn(files, join(root, name))
    }
  }
  return sum
}

/** All bytes below a path. What cannot be looked at, because it goes away just now, holds none. */
export async function bytesIn(files: SpoolFiles, path: string): Promise<number> {
  const stats = await files.stat(path).catch(() => undefined)
  if (!stats?.isDirectory()) return stats?.size ?? 0
  let sum = 0
  for (const name of await files.readdir(path).catch(() => [])) {
    sum += await bytesIn(files, join(path, name))
  }
  return sum
}

/** All events in segments below a path. */
export async function countEvents(files: SpoolFiles, path: string): Promise<number> {
  let count = 0
  for (const name of await files.readdir(path).catch(() => [])) {
    const inner = join(path, name)
    if (!name.endsWith(segmentSuffix)) count += await countEvents(files, inner)
    else for (const { kind } of framesIn(await readAll(files, inner))) count += +(kind === 'event')
  }
  return count
}
