/** Runs scripts one after the other in one process: starting one takes longer than what most of them do. */
import type { Command, Finished } from './support.js'

let count = 0

async function run({ script, args, variables }: Command): Promise<Finished> {
  const said = { stdout: '', stderr: '' }
  const { stdout, stderr } = process
  const own = { out: stdout.write.bind(stdout), err: stderr.write.bind(stderr) }
  stdout.write = (text: unknown) => Boolean((said.stdout += String(text)))
  stderr.write = (text: unknown) => Boolean((said.stderr += String(text)))
  const { argv, env } = process
  process.argv = [process.execPath, script, ...args]
  process.env = { ...variables }
  process.exitCode = 0
  try {
    // The query makes it another module, which is run anew.
    await import(`${script}?${(count += 1)}`)
    return { code: process.exitCode, ...said }
  } finally {
    stdout.write = own.out
    stderr.write = own.err
    Object.assign(process, { argv, env, exitCode: 0 })
  }
}

let last: Promise<unknown> = Promise.resolve()
process.on('message', (command: Command & { id: number }) => {
  last = last
    .then(() => run(command))
    .catch((error: unknown) => ({ code: -1, stdout: '', stderr: String(error) }))
    .then((finished) => process.send?.({ id: command.id, ...finished }))
})
process.on('disconnect', () => void last.then(() => process.exit(0)))
