import { Session, type Profiler } from 'node:inspector/promises'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import type express from 'express'
import type { Response } from 'express'
import { collectedMemory } from './collected.js'
import { chunks, completion, reply } from './payloads.js'
import { serve } from './rpc.js'
import { mount } from './variants.js'

/** What a server process has used so far. */
export interface Snapshot {
  /** All threads. */
  cpu_us: number
  /** The main thread's time outside of waiting. */
  busy_us: number
}

const [variant = 'bare', mongoUri = '', secret = ''] = process.argv.slice(2)
const mounted = await mount(variant, { mongoUri, secret })
const loadExpress = createRequire(import.meta.url)('express') as typeof express

const app = loadExpress()
for (const handler of mounted.handlers) app.use(handler)
app.use(loadExpress.json())
app.post('/ai/chat', (_req, res) => {
  res.json(completion)
})
app.post('/ai/qa', (_req, res) => {
  res.json(reply)
})
app.post('/ai/chat/stream', (_req, res) => {
  res.type('text/event-stream')
  streamTo(res, 0)
})

/** One chunk a turn, as they come from a provider. */
function streamTo(res: Response, index: number): void {
  const chunk = chunks[index]
  if (chunk === undefined) {
    res.end()
    return
  }
  res.write(chunk)
  setImmediate(() => streamTo(res, index + 1))
}

function snapshot(): Snapshot {
  globalThis.gc?.()
  const { user, system } = process.cpuUsage()
  return {
    cpu_us: user + system,
    busy_us: performance.eventLoopUtilization().active * 1000,
  }
}

const inspector = new Session()

/** Samples the main thread, until it is asked for what was found. */
async function startProfile(): Promise<void> {
  inspector.connect()
  await inspector.post('Profiler.enable')
  await inspector.post('Profiler.setSamplingInterval', { interval: 200 })
  await inspector.post('Profiler.start')
}

async function takeProfile(): Promise<Profiler.Profile> {
  const { profile } = await inspector.post('Profiler.stop')
  inspector.disconnect()
  return profile
}

const server = app.listen(0, '127.0.0.1', () => {
  serve({
    port: () => (server.address() as AddressInfo).port,
    snapshot,
    drain: async () => {
      await mounted.drain()
      return snapshot()
    },
    memory: collectedMemory,
    startProfile,
    takeProfile,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await mounted.close()
    },
  })
})
