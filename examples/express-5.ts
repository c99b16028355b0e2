/**
 * A small AI app on Express 5, metered. With a MongoDB running:
 *   JWT_SECRET=… MONGODB_URI=mongodb://127.0.0.1:27017/app node --import tsx examples/express-5.ts
 */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { createUsage } from '../src/index.js' // in your app: from 'express-ai-usage'

/** Starts the app; `port` 0 takes any free one. */
export async function start(settings: { mongoUri: string; secret: string; port: number }) {
  const usage = createUsage({
    mongoUri: settings.mongoUri,
    auth: { secret: settings.secret, algorithms: ['HS256'] },
  })
  const app = express()
  app.use(usage.track()) // before the AI routes
  app.use('/ai/usage', usage.router())
  app.get('/health', usage.health())

  app.post('/ai/chat', express.json(), (_req, res) => {
    // Your call to the provider. Its usage object, handed on, gives exact figures.
    const usage = { prompt_tokens: 12, completion_tokens: 7, total_tokens: 19 }
    res.json({ reply: 'Lisbon is lovely in May.', model: 'gpt-4o-mini', usage })
  })

  await usage.ready() // the spool is open, prices and plans are known
  const server = app.listen(settings.port)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async () => {
    server.close()
    server.closeIdleConnections()
    return usage.close() // writes what is left
  }
  return { url: `http://localhost:${port}`, usage, close }
}

async function main() {
  const { JWT_SECRET: secret, MONGODB_URI: mongoUri, PORT = '3000' } = process.env
  if (!secret || !mongoUri) throw new Error('Set JWT_SECRET and MONGODB_URI')
  const { url, close } = await start({ mongoUri, secret, port: Number(PORT) })
  console.log(`${url}/ai/chat, ${url}/ai/usage/me; a token: npm run token -- --user alice`)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void close())
}

if (process.argv[1] === fileURLToPath(import.meta.url)) void main()
