import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { homedir, hostname } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import * as z from 'zod'
import { reasonOf } from './error.js'
import { probeMongod } from './probe.js'
import { errnoOf, isAlive } from './process.js'

/** The version that is fetched where the machine has none. */
export const fetchedVersion = '8.2.6'

const Manifest = z.object({
  version: z.string(),
  origin: z.string(),
  size_bytes: z.number(),
  mtime_ms: z.number(),
  sha256: z.string(),
})

/** `EXPRESS_AI_USAGE_CACHE`, else `express-ai-usage` in `XDG_CACHE_HOME`, else in `~/.cache`. */
export function defaultCacheDir(env: NodeJS.ProcessEnv): string {
  if (env.EXPRESS_AI_USAGE_CACHE) return resolve(env.EXPRESS_AI_USAGE_CACHE)
  const xdg = env.XDG_CACHE_HOME
  return join(xdg && isAbsolute(xdg) ? xdg : join(homedir(), '.cache'), 'express-ai-usage')
}

/** SHA-256 of a file's content, in hex. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}

function entryDir(cacheDir: string): string {
  return join(cacheDir, `mongod-${fetchedVersion}-${process.platform}-${process.arch}`)
}

/**
 * The cached mongod, checked: its size and time must be those recorded beside it (else its SHA-256
 * must be), and it must run. Undefined when there is none; throws, saying why, when it is not to be trusted.
 */
export async function readCached(
  cacheDir: string,
): Promise<{ path: string; version: string } | undefined> {
  const path = join(entryDir(cacheDir), 'mongod')
  const recorded = await readFile(`${path}.json`, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (recorded === undefined) return undefined
  const manifest = parseManifest(recorded)
  const { size, mtimeMs } = await stat(path)
  const untouched = size === manifest.size_bytes && mtimeMs === manifest.mtime_ms
  if (!untouched && (await sha256Of(path)) !== manifest.sha256) {
    throw new Error('its content is not what was put there (checksum mismatch)')
  }
  return { path, version: await probeMongod(path) }
}

function parseManifest(text: string): z.infer<typeof Manifest> {
  try {
    return Manifest.parse(JSON.parse(text))
  } catch (error) {
    throw new Error('what is recorded about it cannot be read', { cause: error })
  }
}

/** A private directory in the cache for a download under way. Left-overs of dead processes are removed. */
export async function makeWorkDir(cacheDir: string): Promise<string> {
  await mkdir(cacheDir, { recursive: true, mode: 0o700 })
  for (const name of await readdir(cacheDir)) {
    if (await isLeftOver(cacheDir, name))
      await rm(join(cacheDir, name), { recursive: true, force: true })
  }
  return mkdtemp(join(cacheDir, `fetch-${hostname()}-${process.pid}-`))
}

async function isLeftOver(cacheDir: string, name: string): Promise<boolean> {
  const owner = /^fetch-(.*)-(\d+)-[^-]+$/.exec(name)
  if (owner === null) return false
  if (owner[1] === hostname() && !isAlive(Number(owner[2]))) return true
  const { mtimeMs } = await stat(join(cacheDir, name)).catch(() => ({ mtimeMs: Infinity }))
  return Date.now() - mtimeMs > 24 * 3_600_000
}

/**
 * Moves a complete, verified mongod from `workDir` into the cache in one step. When another process
 * was faster, its copy is used; an untrustworthy copy is replaced.
 */
export async function adopt(
  cacheDir: string,
  workDir: string,
  fetched: { path: string; origin: string },
): Promise<{ path: string; version: string }> {
  const entry = join(workDir, 'entry')
  const binary = join(entry, 'mongod')
  await mkdir(entry)
  await rename(fetched.path, binary)
  await chmod(binary, 0o755)
  const version = await probeMongod(binary)
  const { size, mtimeMs } = await stat(binary)
  const manifest: z.infer<typeof Manifest> = {
    version,
    origin: fetched.origin,
    size_bytes: size,
    mtime_ms: mtimeMs,
    sha256: await sha256Of(binary),
  }
  await writeFile(`${binary}.json`, `${JSON.stringify(manifest, undefined, 2)}\n`)
  return moveIn(cacheDir, workDir, entry)
}

async function moveIn(
  cacheDir: string,
  workDir: string,
  entry: string,
): Promise<{ path: string; version: string }> {
  const target = entryDir(cacheDir)
  for (let attempt = 1; attempt <= 5; attempt++) {
    try {
      await rename(entry, target)
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'EPERM', 'ENOTDIR'].includes(errnoOf(error) ?? '')) throw error
    }
    const cached = await readCached(cacheDir).catch(reasonOf)
    if (typeof cached === 'object') return cached
    await rename(target, join(workDir, `refused-${attempt}`)).catch(() => undefined)
  }
  throw new Error(`${target} cannot be replaced`)
}
