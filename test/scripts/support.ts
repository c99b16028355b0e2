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
