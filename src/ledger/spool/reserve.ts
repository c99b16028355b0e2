import { join } from 'node:path'
import { codeOf, type SpoolFiles } from './files.js'

/** Enough for the directories of one more process, bytes. */
const reserveBytes = 32 * 1024
const fullCodes = new Set(['ENOSPC', 'EDQUOT'])

/** Text that takes more room than it needs: spaces behind JSON say nothing. */
export function withReserve(text: string): string {
  return text.padEnd(reserveBytes)
}

export function isFull(error: unknown): boolean {
  return fullCodes.has(codeOf(error))
}

/**
 * Gives up the room that these files were given beyond their text. A disk that the dead have filled has
 * none for who comes to take over what they left, which is what would make room.
 */
export async function freeReserves(
  files: SpoolFiles,
  root: string,
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    const path = join(root, name)
    const text = await files.readFile(path, 'utf8').catch(() => '')
    const needed = text.trimEnd()
    if (needed === '' || needed === text) continue
    const handle = await files.open(path, 'r+').catch(() => undefined)
    await handle?.truncate(Buffer.byteLength(needed)).catch(() => undefined)
    await handle?.close()
  }
}

/**
 * Writes where a file stands, in the room that it has. Should that be cut off, an owner's file says
 * nothing, and its silence tells.
 */
export async function writeOver(files: SpoolFiles, path: string, text: string): Promise<void> {
  const handle = await files.open(path, 'r+')
  try {
    const { size } = await handle.stat()
    const bytes = Buffer.from(text.padEnd(size))
    await handle.write(bytes, 0, bytes.length, 0)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
