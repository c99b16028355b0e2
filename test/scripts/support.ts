import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { typescriptArgs } from '../helpers/children.js'

export interface Finished {
  code: number
  stdout: string
  stderr: string
}

/** Runs a script of `scripts/`, with only these variables beside PATH and HOME. */
export function run(
  script: string,
  args: readonly string[],
  variables: Record<string, string> = {},
): Promise<Finished> {
  return start(new URL(`../../scripts/${script}.ts`, import.meta.url), args, variables)
}

function start(
  script: URL,
  args: readonly string[],
  variables: Record<string, string>,
): Promise<Finished> {
  const { PATH = '', HOME = '' } = process.env
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...typescriptArgs, fileURLToPath(script), ...args],
      { env: { PATH, HOME, ...variables }, timeout: 60_000 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
        resolve({ code, stdout, stderr })
      },
    )
  })
}

/** Arguments that a script refuses, and what it says then. */
export type Mistake = readonly [args: readonly string[], message: RegExp]

/** Tests of a script's refusals, in one process for all of them: starting is what takes long. */
export function itRefuses(
  script: string,
  mistakes: readonly Mistake[],
  variables: Record<string, string> = {},
): void {
  describe('refuses', () => {
    let answers: Finished[]
    before(async () => {
      const url = new URL(`../../scripts/${script}.ts`, import.meta.url).href
      const lists = JSON.stringify(mistakes.map(([args]) => args))
      const runner = new URL('refusals.ts', import.meta.url)
      const { stdout, stderr } = await start(runner, [url, lists], variables)
      assert.equal(stderr, '')
      answers = JSON.parse(stdout) as Finished[]
    })
    for (const [index, [args, message]] of mistakes.entries()) {
      it(JSON.stringify(args), () => {
        const { code, stdout, stderr } = answers[index] ?? assert.fail()
        assert.deepEqual([code, stdout], [1, ''])
        assert.match(stderr, message)
      })
    }
  })
}
