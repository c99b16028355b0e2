/**
 * Lets Node run the project's TypeScript in tests: `--import ./test/loader/register.js`. Does less than
 * tsx, which the scripts are run with, and so starts sooner: a test run starts many processes.
 */
import { createRequire, register } from 'node:module'
import process from 'node:process'

register('./hooks.js', import.meta.url)
// Lines of stacks are those of the sources.
process.setSourceMapsEnabled(true)

/** mocha would rather require its files; as they are, Node could take some of them for JavaScript. */
createRequire(import.meta.url).extensions['.ts'] = () => {
  throw new Error('TypeScript is imported, not required')
}
