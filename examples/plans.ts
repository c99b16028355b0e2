/**
 * An AI app whose users have plans: what each tier may use, who goes first when it is busy, and who
 * is told when something is used up. With a MongoDB running:
 *   JWT_SECRET=… MONGODB_URI=mongodb://127.0.0.1:27017/app node --import tsx examples/plans.ts
 */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { createUsage } from '../src/index.js' // in your app: from 'express-ai-usage'

/** What is said of a user, to whom it may concern. */
export type Tell = (line: string) => void

/** Starts the app; `port` 0 takes any free one. */
export async function start(settings: {
  mongoUri: string
  secret: string
  port: number
  tell: Tell
}) {
  const { mongoUri, secret, port, tell } = settings
  const usage = createUsage({
    mongoUri,
    auth: { secret, algorithms: ['HS256'] },
    plans: {
      // Three requests a day, and not a fourth.
      free: {
        limits: [{ name: 'daily', metric: 'requests', window: 'day', limit: 3, thresholds: [100] }],
      },
      pro: {
        limits: [
          { name: 'monthly-tokens', metric: 'tokens', window: 'month', limit: 200_000 },
          // Above 60 a minute, requests wait for their turn instead of being refused.
          { name: 'rpm', metric: 'requests', window: 'minute', limit: 60, enforcement: 'throttle' },
        ],
        // Passing $20 a month is reported, not refused.
        budget: { period: 'month', limitUsd: 20, thresholds: [80, 100] },
        priority: 1,
        concurrency: 8,
        onStoreError: 'closed',
      },
    },
  })
  usage.on('threshold', ({ user_id, name, threshold }) =>
    tell(`${user_id ?? 'all'} has used ${threshold} % of ${name}`),
  )
  usage.on('limit', ({ user_id, name }) => tell(`${user_id ?? 'all'} has used up ${name}`))

  const app = express()
  app.use(usage.track()) // refuses what the plan does not allow
  app.use(usage.prioritize({ concurrency: 20 })) // pro goes before free
  app.use('/ai/usage', usage.router())

  app.post('/ai/chat', express.json(), (_req, res) => {
    // Your call to the provider.
    const usage = { prompt_tokens: 12, completion_tokens: 7, total_tokens: 19 }
    res.json({ reply: 'Lisbon is lovely in May.', model: 'gpt-4o-mini', usage })
  })

  await usage.ready() // the spool is open, prices and plans are known
  const server = app.listen(port)
  await once(server, 'listening')
  const { port: boundPort } = server.address() as AddressInfo
  const close = async () => {
    server.close()
    server.closeIdleConnections()
    return usage.close()
  }
  return { url: `http://localhost:${boundPort}`, usage, close }
}

async function main() {
  const { JWT_SECRET: secret, MONGODB_URI: mongoUri, PORT = '3000' } = process.env
  if (!secret || !mongoUri) throw new Error('Set JWT_SECRET and MONGODB_URI')
  const { url, close } = await start({ mongoUri, secret, port: Number(PORT), tell: console.log })
  console.log(`${url}/ai/chat, ${url}/ai/usage/me/quota; a token: npm run token -- --user alice`)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void close())
}

if (process.argv[1] === fileURLToPath(import.meta.url)) void main()
