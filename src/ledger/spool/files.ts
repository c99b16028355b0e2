import { writeSync } from 'node:fs'
import * as files from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** The file system as the spool uses it. Tests put faults in its place. */
export interface SpoolFiles extends AsyncFiles {
  /** Writes so many bytes, from an offset, to a position, in this very turn; answers how many it did. */
  writeNow(
    handle: files.FileHandle,
    bytes: Buffer,
    from: number,
    length: number,
    position: number,
  ): number
}

type AsyncFiles = Pick<
  typeof files,
  | 'appendFile'
  | 'lstat'
  | 'mkdir'
  | 'open'
  | 'readFile'
  | 'readdir'
  | 'rename'
  | 'rm'
  | 'rmdir'
  | 'stat'
  | 'unlink'
  | 'utimes'
  | 'writeFile'
>

export const realFiles: SpoolFiles = {
  ...files,
  writeNow: ({ fd }, bytes, from, length, position) => writeSync(fd, bytes, from, length, position),
}

/** Only the owner reads what is spooled. */
export const fileMode = 0o600
export const directoryMode = 0o700

/** The short code of a failed call (`ENOSPC`), never its message: that names paths. */
export function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : error instanceof Error ? error.name : 'unknown'
}

/** Makes the names in a directory outlast a power cut; where that cannot be asked for, it is not. */
export async function syncDirectory(files: SpoolFiles, path: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await files.open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Creates a directory and those above it. Node's own `recursive` never ends below /proc. */
export async function makeDirectories(files: SpoolFiles, path: string): Promise<void> {
  const code = await tryMakeDirectory(files, path)
  if (code === undefined || code === 'EEXIST') return
  const above = dirname(path)
  if (code === 'ENOENT' && above !== path) {
    await makeDirectories(files, above)
    const again = await tryMakeDirectory(files, path)
    if (again === undefined || again === 'EEXIST') return
  }
  throw Object.assign(new Error(`mkdir: ${code}`), { code })
}

async function tryMakeDirectory(files: SpoolFiles, path: string): Promise<string | undefined> {
  try {
    await files.mkdir(path, { mode: directoryMode })
    return undefined
  } catch (error) {
    return codeOf(error)
  }
}

/** Puts a small file in place as a whole: readers see the old one or the new one. */
export async function replaceFile(files: SpoolFiles, path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}.new`
  try {
    await files.writeFile(draft, text, { mode: fileMode, flush: true })
    await files.rename(draft, path)
  } catch (error) {
    await files.rm(draft, { force: true }).catch(() => undefined)
    throw error
  }
}

/**
 * Does something with each file of a directory; answers the codes of those where it failed. What is
 * gone by then was somebody else's to do. Never rejects.
 */
export async function inEachFile(
  files: SpoolFiles,
  directory: string,
  work: (path: string) => Promise<void>,
): Promise<string[]> {
  const failures: string[] = []
  const failed = (error: unknown) => {
    const code = codeOf(error)
    if (code !== 'ENOENT') failures.push(code)
  }
  const names = await files.readdir(directory).catch((error: unknown) => {
    failed(error)
    return []
  })
  for (const name of names) await work(join(directory, name)).catch(failed)
  return failures
}
