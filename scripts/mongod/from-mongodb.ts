import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { fetchedVersion } from './cache.js'
import type { FetchJob, MongodDownload } from './download.js'
import { run } from './process.js'
import { showProgress } from './progress.js'

const wholeMs = 30 * 60_000

/**
 * MongoDB's own download, through mongodb-memory-server. A host that has sent nothing within
 * `firstByteMs` counts as unreachable.
 */
export function fromMongodb({ firstByteMs = 12_000 } = {}): MongodDownload {
  return {
    origin: 'mongodb',
    title: `MongoDB's download of ${fetchedVersion}`,
    fetch: (job) => download(job, firstByteMs),
  }
}

async function download({ workDir, env, log }: FetchJob, firstByteMs: number): Promise<string> {
  const label = `Fetching mongod ${fetchedVersion} from MongoDB`
  const end = showProgress({ label, dir: workDir, log })
  const child = fileURLToPath(new URL('from-mongodb-child.ts', import.meta.url))
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  // A child, because the library offers no way to give up a request that hangs.
  const result = await run(process.execPath, ['--import', tsx, child, workDir, fetchedVersion], {
    env: childEnv(env),
    timeoutMs: wholeMs,
    firstOutputMs: firstByteMs,
  }).finally(end)
  if (result.timedOut === 'first_output') throw new Error(`no answer within ${firstByteMs} ms`)
  if (result.timedOut === 'timeout')
    throw new Error(`not complete after ${wholeMs / 60_000} minutes`)
  if (result.code !== 0) throw new Error(result.stderr.trim().split('\n').at(-1) ?? 'it failed')
  return readFile(join(workDir, 'path'), 'utf8')
}

function childEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    ...env,
    MONGOMS_SYSTEM_BINARY: undefined,
    MONGOMS_MAX_RETRIES: '1',
    // The library checks TLS certificates only when this says so.
    npm_config_strict_ssl: env.npm_config_strict_ssl ?? 'true',
  }
}
