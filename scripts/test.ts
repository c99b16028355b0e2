/**
 * Runs all tests: most in several processes at once, then those that need the machine to themselves
 * (`*.alone.test.ts`). What is given on the command line goes to both, such as `--reporter dot`.
 */
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

const given = process.argv.slice(2)
const jobs = String(Math.max(2, availableParallelism()))
const runs = [
  ['--parallel', '--jobs', jobs, 'test/**/*.test.ts', '--ignore', 'test/**/*.alone.test.ts'],
  ['test/**/*.alone.test.ts'],
]

let failed = false
for (const run of runs) {
  const { status } = spawnSync('mocha', [...run, ...given], { stdio: 'inherit' })
  failed ||= status !== 0
}
process.exitCode = failed ? 1 : 0
