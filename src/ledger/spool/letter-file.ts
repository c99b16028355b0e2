import { randomUUID } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileMode, syncDirectory, type SpoolFiles } from './files.js'

export const deadLetterSuffix = '.jsonl'

/** Lines in the place of others. */
export type RewriteLines = (
  lines: readonly string[],
) => readonly string[] | Promise<readonly string[]>

/**
 * Puts other lines in the place of a file's; none: it is removed. The file is renamed first, so that
 * what is put aside from then on goes to a new one. What somebody writes who had it open before is kept
 * too, as it is. Cut off halfway, lines may stand twice; none is lost. Rejects as the disk or `rewrite`
 * does.
 */
export async function rewriteLetters(
  files: SpoolFiles,
  path: string,
  rewrite: RewriteLines,
): Promise<void> {
  const taken = freshPath(path)
  await files.rename(path, taken)
  const handle = await files.open(taken, 'r')
  try {
    const bytes = await bytesFrom(handle, 0)
    await put(files, path, await rewrite(linesOf(bytes)))
    await files.unlink(taken)
    const { size } = await handle.stat()
    if (size === bytes.length) return
    // From the beginning of the line that was being written; `rewrite` could fail, so as it is.
    await put(files, path, linesOf(await bytesFrom(handle, bytes.lastIndexOf('\n') + 1)))
  } finally {
    await handle.close()
  }
}

/** The lines of a file that hold something. */
export function linesOf(text: Buffer | string): string[] {
  return text
    .toString()
    .split('\n')
    .filter((line) => line !== '')
}

/** Where lines of a file go: named like it, with another end. */
function freshPath(path: string): string {
  const name = basename(path)
  const own = name.slice(0, name.indexOf(deadLetterSuffix))
  return join(dirname(path), `${own}${deadLetterSuffix}.${randomUUID().slice(0, 8)}`)
}

async function put(files: SpoolFiles, path: string, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return
  const fresh = freshPath(path)
  const text = lines.map((line) => `${line}\n`).join('')
  try {
    await files.writeFile(fresh, text, { mode: fileMode, flush: true })
  } catch (error) {
    await files.unlink(fresh).catch(() => undefined)
    throw error
  }
  await syncDirectory(files, dirname(path))
}

async function bytesFrom(handle: FileHandle, from: number): Promise<Buffer> {
  const { size } = await handle.stat()
  const bytes = Buffer.alloc(size - from)
  let filled = 0
  while (filled < bytes.length) {
    const at = from + filled
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, at)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}
