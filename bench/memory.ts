import type { Memory } from './collected.js'
import type { LoadOrder } from './load.js'
import { Child } from './rpc.js'
import { tokens } from './tokens.js'

/**
 * Memory of a fresh process after a garbage collection, once it has answered some thousand requests.
 * None of them needs the tokeniser.
 */
export async function memoryOf(
  load: Child,
  path: string,
  args: readonly string[],
  requests: number,
): Promise<Memory> {
  const child = await Child.start(path, args, ['--expose-gc'])
  const port = await child.ask<number>('port')
  const order = { path: '/ai/chat', ms: 60_000, concurrency: 32, tokens, maxRequests: requests }
  await load.ask('run', { ...order, port } satisfies LoadOrder)
  await child.ask('drain')
  const memory = await child.ask<Memory>('memory')
  await child.stop()
  return memory
}
