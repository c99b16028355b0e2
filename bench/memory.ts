import type { LoadOrder } from './load.js'
import { Child } from './rpc.js'
import { tokens } from './tokens.js'

/**
 * Resident memory of a fresh process after a garbage collection, once it has answered some thousand
 * requests, bytes. No request needs the tokeniser.
 */
export async function residentBytes(
  load: Child,
  path: string,
  args: readonly string[],
  requests: number,
): Promise<number> {
  const child = await Child.start(path, args, ['--expose-gc'])
  const port = await child.ask<number>('port')
  const order = { path: '/ai/chat', ms: 60_000, concurrency: 32, tokens, maxRequests: requests }
  await load.ask('run', { ...order, port } satisfies LoadOrder)
  await child.ask('drain')
  const bytes = await child.ask<number>('resident')
  await child.stop()
  return bytes
}
