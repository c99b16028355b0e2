import { MongodError } from './error.js'
import { findMongod } from './find.js'

const toStderr = (message: string) => void process.stderr.write(`${message}\n`)

try {
  const log = { info: toStderr, warn: toStderr, error: toStderr }
  const { path } = await findMongod({ env: process.env, log })
  process.stdout.write(`${path}\n`)
} catch (error) {
  if (!(error instanceof MongodError)) throw error
  toStderr(error.message)
  process.exitCode = 1
}
