import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Finished {
  code: number
  stdout: string
  stderr: string
}

const tsx = import.meta.resolve('tsx')

/** Runs a script of `scripts/` as npm would, with only these variables beside PATH and HOME. */
export function run(
  script: string,
  args: readonly string[],
  variables: Record<string, string> = {},
): Promise<Finished> {
  const path = fileURLToPath(new URL(`../../scripts/${script}.ts`, import.meta.url))
  const { PATH = '', HOME = '' } = process.env
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', tsx, path, ...args],
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

/** Tests of a script's refusals. The script runs for all of them at once: starting is what takes long. */
export function itRefuses(
  script: string,
  mistakes: readonly Mistake[],
  variables?: Record<string, string>,
): void {
  describe('refuses', () => {
    let answers: Finished[]
    before(async () => {
      answers = await Promise.all(mistakes.map(([args]) => run(script, args, variables)))
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
