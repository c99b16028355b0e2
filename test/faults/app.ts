/**
 * One app of the fleet: `app.ts <mongoUri> <spool directory>`. Listens on a port of its own, does what
 * it is told over IPC, and ends with whoever started it.
 */
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import express, { type Response } from 'express'
import { createUsage } from '../../src/index.js'
import { listen } from '../helpers/app.js'
import { quiet } from '../helpers/quiet.js'
import { prices, tierOf } from './operations.js'

const [mongoUri = '', dir = '', shift = '0'] = process.argv.slice(2)
let shiftMs = Number(shift)

const far = 1_000_000_000
const usage = createUsage({
  mongoUri,
  identify: (req) => {
    const { u, op } = req.query
    if (typeof u !== 'string' || typeof op !== 'string') return undefined
    return { user_id: u, org_id: op, tier: tierOf(u) }
  },
  plans: {
    free: { limits: [] },
    limited: {
      limits: [
        { name: 'requests', metric: 'requests', window: 'day', limit: far },
        { name: 'tokens', metric: 'tokens', window: 'month', limit: 1_000 * far },
        { name: 'cost', metric: 'cost', window: 'day', limit: 1_000_000 },
      ],
    },
  },
  spool: { dir },
  rollup: { cron: '*/5 * * * * *' },
  pricing: { overrides: prices, catalogue: false },
  clock: { now: () => Date.now() + shiftMs, elapsed: () => performance.now() },
  logger: process.env.FAULT_DEBUG === undefined ? quiet : console,
})

// As a host does that wants to lose nothing: without MongoDB it begins all the same.
await usage.ready().catch(() => undefined)
const app = express()
app.use(usage.track())
app.post('/ai/chat', (req, res) => {
  const { model, i, o, works } = req.query
  const body = {
    ...{ object: 'chat.completion', model, choices: [] },
    usage: { prompt_tokens: Number(i), completion_tokens: Number(o) },
  }
  if (works === '0') res.json(body)
  else setTimeout(() => res.json(body), Number(works))
})
app.post('/ai/chat/stream', (req, res) => {
  const { model, i, o, works } = req.query
  const usage = { prompt_tokens: Number(i), completion_tokens: Number(o) }
  const chunk = (more: object) => ({ object: 'chat.completion.chunk', model, ...more })
  const choices = [{ index: 0, delta: { content: 'x' } }]
  void stream(res, Number(works) / 3, [
    ...[1, 2, 3].map(() => chunk({ choices })),
    chunk({ choices: [], usage }),
  ])
})
app.post('/record', (req, res) => {
  const { u, op, model, i, o } = req.query as Record<string, string>
  usage
    .record({
      ...{ id: String(op), user_id: String(u), org_id: String(op), tier: tierOf(String(u)) },
      ...{ operation_type: 'job', model: String(model) },
      ...{ input_tokens: Number(i), output_tokens: Number(o) },
    })
    .then(
      ({ outcome }) => res.json({ outcome }),
      () => res.status(503).json({}),
    )
})

async function stream(res: Response, gapMs: number, chunks: readonly object[]): Promise<void> {
  res.type('text/event-stream')
  for (const chunk of chunks) {
    res.write(`data: ${JSON.stringify(chunk)}\n\n`)
    await sleep(gapMs)
  }
  res.end('data: [DONE]\n\n')
}

const server = createServer(app)
server.keepAliveTimeout = 60_000
const url = await listen(server)
process.send?.({ port: Number(new URL(url).port) })

process.on('disconnect', () => process.exit(1))
process.on('message', (message: { shiftMs: number } | 'flush' | 'close') => {
  if (typeof message === 'object') shiftMs = message.shiftMs
  else if (message === 'flush') void usage.flush().then(() => process.send?.({ flushed: true }))
  else {
    server.closeAllConnections()
    server.close()
    void usage.close().then((report) => {
      process.send?.(report, () => process.exit(0))
    })
  }
})
