import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createUsage, type PlanOptions } from '../../src/index.js'

/**
 * One instance of a host, in a process of its own: `instance.ts <mongoUri> <secret> <plans>`. A number
 * that it is sent is what its clock shows from then on, 'flush' has it write down all that it knows;
 * anything else ends it.
 */
const [mongoUri = '', secret = '', plans = '{}'] = process.argv.slice(2)
let shift = 0

const usage = createUsage({
  mongoUri,
  auth: { secret, algorithms: ['HS256'] },
  plans: JSON.parse(plans) as Record<string, PlanOptions>,
  clock: {
    now: () => Date.now() + shift,
    elapsed: () => performance.now(),
  },
  identify: ({ query: { user, tier } }) => ({
    user_id: typeof user === 'string' ? user : '',
    tier: typeof tier === 'string' ? tier : 'free',
  }),
})
await usage.ready()
const app = express()
app.use(express.json())
app.use(usage.track())
app.post('/ai/chat', (_req, res) => {
  const usage = { prompt_tokens: 60, completion_tokens: 40, total_tokens: 100 }
  res.json({ object: 'chat.completion', model: 'gpt-4o', choices: [], usage })
})
let held = 0
// Never answers: whoever asks is in flight until this process ends.
app.post('/ai/summarize', () => {
  held += 1
  process.send?.({ held })
})
const server = createServer(app).listen(0, '127.0.0.1', () => {
  process.send?.((server.address() as AddressInfo).port)
})
// A client that is slow finds its connection open still.
server.keepAliveTimeout = 60_000
process.on('message', (message) => {
  if (typeof message === 'number') {
    shift = message - Date.now()
    process.send?.('set')
    return
  }
  if (message === 'flush') {
    void usage.flush().then(() => process.send?.('flushed'))
    return
  }
  server.closeAllConnections()
  server.close()
  void usage.close().then(() => process.disconnect())
})
