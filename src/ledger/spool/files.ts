import * as files from 'node:fs/promises'

/** The file system as the spool uses it. Tests put faults in its place. */
export type SpoolFiles = Pick<
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

export const realFiles: SpoolFiles = files

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

/** Puts a small file in place as a whole: readers see the old one or the new one. */
export async function replaceFile(files: SpoolFiles, path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}.new`
  await files.writeFile(draft, text, { mode: fileMode, flush: true })
  await files.rename(draft, path)
}
