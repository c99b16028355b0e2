import type { FileHandle } from 'node:fs/promises'
import { codeOf, type SpoolFiles } from './files.js'

/** Larger than any segment of ours: such a file is none. */
export const maxSegmentBytes = 64 * 1024 * 1024

/** All bytes of a segment; none if somebody has removed it. */
export function readAll(files: SpoolFiles, path: string): Promise<Buffer> {
  return readBytes(files, path, 0, maxSegmentBytes)
}

/** The bytes of a segment from one offset up to another, or its end. */
export async function readBytes(
  files: SpoolFiles,
  path: string,
  from: number,
  to: number,
): Promise<Buffer> {
  try {
    return await read(files, path, from, to)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}

async function read(files: SpoolFiles, path: string, from: number, to: number): Promise<Buffer> {
  const handle = await files.open(path, 'r')
  try {
    return await readFrom(handle, from, to)
  } finally {
    await handle.close()
  }
}

/** The same from a file that is open. */
export async function readFrom(handle: FileHandle, from: number, to: number): Promise<Buffer> {
  const { size } = await handle.stat()
  const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(to, size) - from))
  let filled = 0
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, from + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}
