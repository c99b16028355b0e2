import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import { createUsage } from '../src/index.js'
import { collectedRss } from './collected.js'
import { completion } from './payloads.js'
import { serve } from './rpc.js'

/** Without a MongoDB, the same app has no meter. */
const [mongoUri, secret = '', dir = ''] = process.argv.slice(2)
const usage =
  mongoUri === undefined
    ? undefined
    : createUsage({
        mongoUri,
        auth: { secret, algorithms: ['HS256'] },
        plans: { pro: { limits: [] } },
        spool: { dir, maxBytes: 4 * 1024 ** 3 },
        logger: { info: () => undefined, warn: () => undefined, error: console.error },
      })
await usage?.ready()

const app = express()
if (usage) app.use(usage.track())
app.use(express.json())
if (usage) app.get('/health', usage.health())
app.post('/ai/chat', (_req, res) => {
  // A provider that is quick.
  setTimeout(() => res.json(completion), 20)
})

/** Events from elsewhere of the last minutes, all of which have to wait. */
async function fill([count, minutes]: readonly [number, number]): Promise<void> {
  if (usage === undefined) return
  const batch = 500
  const since = Date.now() - minutes * 60_000
  const when = (index: number) => new Date(since + (index / count) * (Date.now() - since))
  for (let done = 0; done < count; done += batch) {
    const recorded = Array.from({ length: batch }, (_, index) =>
      usage.record({
        ...{ id: `backlog-${done + index}`, user_id: `user-${index % 50}` },
        timestamp: when(done + index).toISOString(),
        ...{ operation_type: 'chat', provider: 'openai', model: 'gpt-4o-2024-08-06' },
        ...{ input_tokens: 200 + (index % 700), output_tokens: 50 + (index % 300) },
      }),
    )
    await Promise.all(recorded)
    await sleep(1)
  }
}

const server = app.listen(0, '127.0.0.1', () => {
  serve({
    port: () => (server.address() as AddressInfo).port,
    fill,
    collected: collectedRss,
    resident: () => process.memoryUsage.rss(),
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await usage?.close()
    },
  })
})
// A connection that the load has not used for a while is open still.
server.keepAliveTimeout = 600_000
