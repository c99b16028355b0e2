import { access } from 'node:fs/promises'
import { errnoOf, run, type RunResult } from './process.js'

/** The oldest major version that has what the queries of this project use. */
export const minimumMajor = 6

const packageOfLibrary: Record<string, string> = {
  'libcurl.so.4': 'libcurl4',
  'libssl.so.3': 'libssl3',
  'libcrypto.so.3': 'libssl3',
}

/**
 * Runs `mongod --version` and answers the version, such as `8.2.6`.
 * Throws an Error whose message says why the file cannot be used and what would help.
 */
export async function probeMongod(path: string): Promise<string> {
  const result = await start(path)
  const version = /^db version v(\d+\.\d+\.\d+\S*)/m.exec(result.stdout)?.[1]
  if (result.code !== 0 || version === undefined) throw new Error(await whyItFails(path, result))
  if (Number.parseInt(version, 10) < minimumMajor) {
    throw new Error(`it is MongoDB ${version}, and ${minimumMajor}.0 or newer is needed`)
  }
  return version
}

async function start(path: string, triesLeft = 20): Promise<RunResult> {
  try {
    return await run(path, ['--version'], { timeoutMs: 20_000 })
  } catch (error) {
    const errno = errnoOf(error)
    // A file just written can be busy for a moment, while another child is being forked.
    if (errno === 'ETXTBSY' && triesLeft > 0) {
      await new Promise((resolve) => setTimeout(resolve, 25))
      return start(path, triesLeft - 1)
    }
    throw new Error(await whyItDoesNotStart(path, errno ?? String(error)), { cause: error })
  }
}

async function whyItDoesNotStart(path: string, errno: string): Promise<string> {
  if (errno === 'EACCES') return 'it is not an executable file'
  if (errno === 'ENOEXEC') return 'it is not a program for this machine'
  if (errno !== 'ENOENT' && errno !== 'ENOTDIR') return `it does not start (${errno})`
  const exists = await access(path).then(
    () => true,
    () => false,
  )
  return exists
    ? 'its program loader is missing (MongoDB needs glibc, which Alpine does not have)'
    : 'there is no such file'
}

async function whyItFails(path: string, result: RunResult): Promise<string> {
  if (result.timedOut) return 'it did not answer --version within 20 s'
  if (result.signal === 'SIGILL') return 'this CPU lacks an instruction it needs (AVX)'
  const missing = await missingLibraries(path, result.stderr)
  if (missing.length > 0)
    return `shared libraries are missing: ${missing.join(', ')}${aptRemedy(missing)}`
  const glibc = /version `(GLIBC\w*_[\d.]+)' not found/.exec(result.stderr)?.[1]
  if (glibc !== undefined) return `it needs ${glibc}, which this system does not have`
  if (result.code === 0) return 'it does not answer --version as mongod does'
  const said = result.stderr.trim().split('\n')[0] ?? ''
  return `--version ends with ${result.signal ?? `exit code ${result.code ?? '?'}`}${said && `: ${said}`}`
}

async function missingLibraries(path: string, stderr: string): Promise<string[]> {
  const first = /error while loading shared libraries: ([^\s:]+):/.exec(stderr)?.[1]
  if (first === undefined) return []
  // The loader names only the first one it misses.
  const listed = await run('ldd', [path], { timeoutMs: 10_000 }).catch(() => undefined)
  const all = [...(listed?.stdout ?? '').matchAll(/^\s*(\S+) => not found/gm)].map(
    (line) => line[1],
  )
  return [...new Set([first, ...all])].filter((name) => name !== undefined)
}

function aptRemedy(libraries: string[]): string {
  const packages = [...new Set(libraries.map((name) => packageOfLibrary[name]))]
  if (packages.includes(undefined)) return ''
  return ` (on Debian and Ubuntu: apt-get install ${packages.sort().join(' ')})`
}
