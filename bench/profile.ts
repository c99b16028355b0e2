import type { Profiler } from 'node:inspector'
import type { LoadOrder, LoadResult } from './load.js'
import { Child } from './rpc.js'
import type { Snapshot } from './server.js'
import { secret, tokens } from './tokens.js'

const runs = [
  { path: '/ai/chat', maxRequests: 20_000 },
  { path: '/ai/chat/stream', maxRequests: 3_000 },
]

/** Prints where the server's main thread spends its time per request, warm-up left out. */
export async function profile(
  built: (file: string) => string,
  load: Child,
  uri: string,
): Promise<void> {
  for (const { path, maxRequests } of runs) {
    for (const variant of ['bare', 'usage']) {
      const child = await Child.start(built('server.js'), [variant, uri, secret])
      const port = await child.ask<number>('port')
      const order: LoadOrder = { port, path, ms: 60_000, concurrency: 32, tokens, maxRequests }
      await load.ask('run', { ...order, maxRequests: maxRequests / 4 })
      await child.ask('startProfile')
      const before = await child.ask<Snapshot>('drain')
      const { requests } = await load.ask<LoadResult>('run', order)
      const after = await child.ask<Snapshot>('drain')
      const found = await child.ask<Profiler.Profile>('takeProfile')
      await child.stop()
      const cpuUs = (after.cpu_us - before.cpu_us) / requests
      console.log(
        `\n${variant} ${path}: ${cpuUs.toFixed(1)} µs of CPU per request; self time of it`,
      )
      for (const line of summarize(found, cpuUs)) console.log(line)
    }
  }
}

/**
 * Self time by package and by function, largest first. Samples are of wall time, of which a busy
 * machine gives a process only a part; so they are scaled to the CPU time that was used.
 */
function summarize({ nodes, samples = [] }: Profiler.Profile, cpuUs: number): string[] {
  const hits = new Map<number, number>()
  for (const id of samples) hits.set(id, (hits.get(id) ?? 0) + 1)
  const idle = nodes.find(({ callFrame }) => callFrame.functionName === '(idle)')
  const usPerHit = cpuUs / (samples.length - (hits.get(idle?.id ?? -1) ?? 0))
  const byFunction = new Map<string, number>()
  const byPlace = new Map<string, number>()
  for (const { id, callFrame } of nodes) {
    if (id === idle?.id) continue
    const us = (hits.get(id) ?? 0) * usPerHit
    const { functionName, url, lineNumber } = callFrame
    const name = `${functionName || '(anonymous)'} ${shortUrl(url)}:${lineNumber + 1}`
    const place = placeOf(url, functionName)
    byFunction.set(name, (byFunction.get(name) ?? 0) + us)
    byPlace.set(place, (byPlace.get(place) ?? 0) + us)
  }
  return [...lines(byPlace, 30), '', ...lines(byFunction, 70)]
}

function lines(figures: Map<string, number>, count: number): string[] {
  const sorted = [...figures].sort((a, b) => b[1] - a[1]).slice(0, count)
  return sorted.map(([name, us]) => `${us.toFixed(2).padStart(9)}  ${name}`)
}

function shortUrl(url: string): string {
  return url.replace(/^.*\/(?=node_modules\/|dist\/)/, '')
}

function placeOf(url: string, functionName: string): string {
  const found = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]
  if (found !== undefined) return found
  if (url.includes('/dist/')) return shortUrl(url)
  return url.startsWith('node:') ? 'node' : functionName
}
