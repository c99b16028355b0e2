import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'

export interface RunOptions {
  env?: NodeJS.ProcessEnv
  /** The child is killed after this long. */
  timeoutMs: number
  /** The child is killed when it has not written anything to stdout within this time. */
  firstOutputMs?: number
}

export interface RunResult {
  code: number | null
  signal: NodeJS.Signals | null
  /** The last 64 Ki characters. */
  stdout: string
  /** The last 64 Ki characters. */
  stderr: string
  /** Which bound ended the child, if one did. */
  timedOut?: 'timeout' | 'first_output'
}

const keptCharacters = 65_536

/**
 * Runs a program to its end, without a shell. Resolves whatever the exit code is; rejects with the
 * system's error when it could not be started (`ENOENT`, `EACCES`, `ENOEXEC` …).
 */
export function run(file: string, args: string[], options: RunOptions): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: options.env, stdio: ['ignore', 'pipe', 'pipe'] })
    const result: RunResult = { code: null, signal: null, stdout: '', stderr: '' }
    const killAs = (bound: 'timeout' | 'first_output') => () => {
      result.timedOut = bound
      child.kill('SIGKILL')
    }
    const whole = setTimeout(killAs('timeout'), options.timeoutMs).unref()
    const first = setTimeout(killAs('first_output'), options.firstOutputMs ?? options.timeoutMs)
    first.unref()
    const settle = () => {
      clearTimeout(whole)
      clearTimeout(first)
    }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      clearTimeout(first)
      result.stdout = (result.stdout + text).slice(-keptCharacters)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      result.stderr = (result.stderr + text).slice(-keptCharacters)
    })
    child.on('error', (error) => {
      settle()
      reject(error)
    })
    child.on('close', (code, signal) => {
      settle()
      resolve({ ...result, code, signal })
    })
  })
}

/** The system's error code (`ENOENT` …) of whatever was thrown. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined
}

/** Whether a process with this id exists, be it only as a zombie. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return errnoOf(error) === 'EPERM'
  }
}

/** The parent's id and the command line of a process; undefined when it has ended or cannot be seen. */
export async function inspect(
  pid: number,
): Promise<{ parent: number; command: string } | undefined> {
  const text = process.platform === 'linux' ? await fromProc(pid) : await fromPs(pid)
  const [, parent, state, command] = /^\s*(\d+)\s+(\S+) ?(.*)$/s.exec(text ?? '') ?? []
  if (parent === undefined || command === undefined || state?.startsWith('Z')) return undefined
  return { parent: Number(parent), command }
}

// Not every Linux image has ps.
async function fromProc(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8')
    // The second field, the name, may hold anything, so count from its end.
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return `${parent ?? ''} ${state ?? ''} ${commandLine.replaceAll('\0', ' ')}`
  } catch {
    return undefined
  }
}

async function fromPs(pid: number): Promise<string | undefined> {
  const args = ['-o', 'ppid=', '-o', 'state=', '-o', 'command=', '-p', String(pid)]
  const result = await run('ps', args, { timeoutMs: 10_000 }).catch(() => undefined)
  return result?.code === 0 ? result.stdout.trimEnd() : undefined
}
