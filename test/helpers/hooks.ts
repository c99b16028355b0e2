import { readFileSync } from 'node:fs'
import type { Context } from 'mocha'
import { endCommands } from '../scripts/support.js'
import { stopTestMongo } from './mongo.js'

/** How long what has been stopped may take to end, ms. */
const endingMs = 15_000

// What is covered is told by the tests' own processes: for those that they start it would take a quarter more time.
delete process.env.NODE_V8_COVERAGE

/** Lets mocha end by itself: what tests have started in common is stopped. */
export const mochaHooks = {
  async afterAll(this: Context): Promise<void> {
    this.timeout(30_000)
    await endCommands()
    await stopTestMongo()
    if (process.env.TEST_CPU !== undefined) console.log(`\n  CPU: ${cpuSeconds()} s`)
    setTimeout(failForWhatIsLeft, endingMs).unref()
  },
}

/** A test that failed before it could clean up, or forgot to, must not hold up the rest. */
function failForWhatIsLeft(): void {
  const left = process.getActiveResourcesInfo().join(', ')
  console.error(`\n  The tests have ended, and something they started has not: ${left}`)
  // mocha has set the code on its own exit by then.
  process.on('exit', () => (process.exitCode = 1))
  process.exit()
}

/** Of this process, and of those it has started that have ended. Linux only. */
function cpuSeconds(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const ticks = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 16)
  return ticks.reduce((sum, text) => sum + Number(text), 0) / 100
}
