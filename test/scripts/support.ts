import assert from 'node:assert/strict'
import { execFile, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { typescriptArgs } from '../helpers/children.js'

export interface Finished {
  code: number
  stdout: string
  stderr: string
}

/** A script (its URL) as it is run. */
export interface Command {
  readonly script: string
  readonly args: readonly string[]
  /** All that it finds in its environment. */
  readonly variables: Readonly<Record<string, string>>
}

/** Scripts that have been seen to work, and to end by themselves, in a process of their own. */
const seen = new Set<string>()
let host: ChildProcess | undefined
let commands = 0

/**
 * Runs a script of `scripts/`, with only these variables beside PATH and HOME: the first time in a
 * process of its own, later in one that several share.
 */
export function run(
  name: string,
  args: readonly string[],
  variables: Record<string, string> = {},
): Promise<Finished> {
  const script = new URL(`../../scripts/${name}.ts`, import.meta.url).href
  const { PATH = '', HOME = '' } = process.env
  const command = { script, args, variables: { PATH, HOME, ...variables } }
  if (seen.has(name)) return runShared(command)
  seen.add(name)
  return runAlone(command)
}

function runAlone({ script, args, variables }: Command): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...typescriptArgs, fileURLToPath(script), ...args],
      { env: variables, timeout: 60_000 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
        resolve({ code, stdout, stderr })
      },
    )
  })
}

function runShared(command: Command): Promise<Finished> {
  host ??= fork(fileURLToPath(new URL('command-host.ts', import.meta.url)), {
    execArgv: [...typescriptArgs],
  })
  const child = host
  const id = (commands += 1)
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error(`${command.script} has ended the process`))
    const take = (answer: Finished & { id: number }) => {
      if (answer.id !== id) return
      child.off('message', take).off('exit', ended)
      const { code, stdout, stderr } = answer
      resolve({ code, stdout, stderr })
    }
    child.on('message', take).once('exit', ended)
    child.send({ id, ...command })
  })
}

/** Ends the process that scripts share, to be called after the last. */
export async function endCommands(): Promise<void> {
  const child = host
  host = undefined
  if (child === undefined || child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.disconnect()
  await ended
}

/** Arguments that a script refuses, and what it says then. */
export type Mistake = readonly [args: readonly string[], message: RegExp]

/** Tests of a script's refusals. */
export function itRefuses(
  script: string,
  mistakes: readonly Mistake[],
  variables?: Record<string, string>,
): void {
  describe('refuses', () => {
    for (const [args, message] of mistakes) {
      it(JSON.stringify(args), async () => {
        const { code, stdout, stderr } = await run(script, args, variables)
        assert.deepEqual([code, stdout], [1, ''])
        assert.match(stderr, message)
      })
    }
  })
}
