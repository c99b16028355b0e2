import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Where an app spools that names no directory: under the system's temporary one, per user, and per
 * app by its working directory and main script, so that a restarted one finds what it left.
 */
export function defaultSpoolDir(): string {
  const app = createHash('sha256').update(`${process.cwd()}\0${process.argv[1] ?? ''}`)
  const user = process.getuid?.() ?? 'user'
  const name = `express-ai-usage-${user}-${app.digest('hex').slice(0, 16)}`
  return join(tmpdir(), name)
}
