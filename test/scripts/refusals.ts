/**
 * Runs a script of `scripts/` again and again in one process, with each list of arguments: starting a
 * process takes longer than what the script does. Prints what came of each as JSON.
 */
import type { Finished } from './support.js'

const [script = '', lists = '[]'] = process.argv.slice(2)
const finished: Finished[] = []
const { log, error } = console
for (const [index, args] of (JSON.parse(lists) as string[][]).entries()) {
  const said = { stdout: '', stderr: '' }
  console.log = (line: string) => (said.stdout += `${line}\n`)
  console.error = (line: string) => (said.stderr += `${line}\n`)
  process.argv = [process.execPath, script, ...args]
  process.exitCode = 0
  // The query makes it another module, which is run anew.
  await import(`${script}?${index}`)
  finished.push({ code: process.exitCode, ...said })
}
Object.assign(console, { log, error })
process.exitCode = 0
console.log(JSON.stringify(finished))
