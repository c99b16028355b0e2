import type { LoadOrder, LoadResult } from './load.js'
import type { Child } from './rpc.js'
import type { Snapshot } from './server.js'
import { tokens } from './tokens.js'

/** One app in its own process. */
export interface Server {
  name: string
  child: Child
  port: number
}

export interface Slice {
  requestsPerSecond: number
  /** CPU of all threads per request, µs. */
  cpuUs: number
  /** Main thread not waiting, per request, µs. */
  busyUs: number
}

/** A slice of a variant beside one of the bare app. */
export interface Pair {
  variant: Slice
  bare: Slice
}

export interface Case {
  name: string
  path: string
  variants: readonly Server[]
  rounds: number
  sliceMs: number
  /** Requests to each app before the first slice, so that all are compiled. */
  warmUp: number
}

export interface Bench {
  load: Child
  bare: Server
  random: () => number
}

const concurrency = 32

/** Loads a server for a while. Its CPU includes what it does for these requests afterwards. */
export async function measure(
  load: Child,
  server: Server,
  path: string,
  ms: number,
): Promise<Slice> {
  const { port, child } = server
  const before = await child.ask<Snapshot>('snapshot')
  const order: LoadOrder = { port, path, ms, concurrency, tokens }
  const { requests, seconds } = await load.ask<LoadResult>('run', order)
  const after = await child.ask<Snapshot>('drain')
  return {
    requestsPerSecond: requests / seconds,
    cpuUs: (after.cpu_us - before.cpu_us) / requests,
    busyUs: (after.busy_us - before.busy_us) / requests,
  }
}

/** In each round all variants in random order, each next to the bare app, first or second by chance. */
export async function runCase(bench: Bench, what: Case): Promise<Map<string, Pair[]>> {
  const { load, bare, random } = bench
  const { path, variants, rounds, sliceMs } = what
  const results = new Map(variants.map(({ name }): [string, Pair[]] => [name, []]))
  for (const { port, child } of [bare, ...variants]) {
    await load.ask('run', { port, path, ms: 20_000, concurrency, tokens, maxRequests: what.warmUp })
    await child.ask('drain')
  }
  for (let round = 0; round < rounds; round++) {
    for (const server of shuffled(variants, random)) {
      const bareFirst = random() < 0.5
      const [first, second] = bareFirst ? [bare, server] : [server, bare]
      const one = await measure(load, first, path, sliceMs)
      const other = await measure(load, second, path, sliceMs)
      const pair = bareFirst ? { bare: one, variant: other } : { variant: one, bare: other }
      results.get(server.name)?.push(pair)
    }
    process.stderr.write(`\r${what.name}: round ${round + 1} of ${rounds} `)
  }
  process.stderr.write('\n')
  return results
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const keyed = items.map((item) => ({ item, key: random() }))
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item)
}
