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
  variants: readonly string[]
  /** How often each variant is started anew: what V8 makes of the same code differs from run to run. */
  starts: number
  /** Slices of each start. */
  rounds: number
  sliceMs: number
  /** Requests to each app before the first slice, so that all are compiled. */
  warmUp: number
}

export interface Bench {
  load: Child
  /** Starts an app by the name of its variant. */
  start: (name: string) => Promise<Server>
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

/**
 * Each variant runs beside a bare app that is as old, and has answered as much: a process that has
 * worked longer is compiled better. In random order, and which of the two comes first is by chance.
 */
export async function runCase(bench: Bench, what: Case): Promise<Map<string, Pair[]>> {
  const results = new Map(what.variants.map((name): [string, Pair[]] => [name, []]))
  for (let turn = 0; turn < what.starts; turn++) {
    for (const name of shuffled(what.variants, bench.random)) {
      results.get(name)?.push(...(await runPairs(bench, what, name)))
    }
    process.stderr.write(`\r${what.name}: ${turn + 1} of ${what.starts} `)
  }
  process.stderr.write('\n')
  return results
}

async function runPairs({ load, start, random }: Bench, what: Case, name: string): Promise<Pair[]> {
  const { path, sliceMs, warmUp } = what
  const bare = await start('bare')
  const variant = await start(name)
  for (const { port, child } of [bare, variant]) {
    await load.ask('run', { port, path, ms: 20_000, concurrency, tokens, maxRequests: warmUp })
    await child.ask('drain')
  }
  const pairs: Pair[] = []
  for (let round = 0; round < what.rounds; round++) {
    const bareFirst = random() < 0.5
    const [first, second] = bareFirst ? [bare, variant] : [variant, bare]
    const one = await measure(load, first, path, sliceMs)
    const other = await measure(load, second, path, sliceMs)
    pairs.push(bareFirst ? { bare: one, variant: other } : { variant: one, bare: other })
  }
  for (const { child } of [bare, variant]) await child.stop()
  return pairs
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const keyed = items.map((item) => ({ item, key: random() }))
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item)
}
