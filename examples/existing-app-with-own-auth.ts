/**
 * An app that has its own sessions, paths and MongoDB connection, and keeps them.
 *   MONGODB_URI=mongodb://127.0.0.1:27017/app node --import tsx examples/existing-app-with-own-auth.ts
 *   curl -X POST localhost:3000/api/assistants/7/ask -H 'Cookie: session=s-alice'
 *   curl localhost:3000/usage/me -H 'Cookie: session=s-alice'
 */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import express, { type Request, type RequestHandler } from 'express'
import mongoose from 'mongoose'
import { createUsage } from '../src/index.js' // in your app: from 'express-ai-usage'

interface User {
  id: string
  plan: 'free' | 'pro'
  isAdmin: boolean
}

const sessions = new Map<string, User>([
  ['s-alice', { id: 'alice', plan: 'pro', isAdmin: false }],
  ['s-root', { id: 'root', plan: 'free', isAdmin: true }],
])
const users = new WeakMap<Request, User>()

/** The app's own authentication. */
const authenticate: RequestHandler = (req, res, next) => {
  const session = /(?:^|; )session=([^;]+)/.exec(req.get('cookie') ?? '')?.[1]
  const user = sessions.get(session ?? '')
  if (user) users.set(req, user)
  next()
}

/** Starts the app; `port` 0 takes any free one. */
export async function start(settings: { mongoUri: string; port: number }) {
  const connection = await mongoose.createConnection(settings.mongoUri).asPromise()
  const usage = createUsage({
    connection,
    identify: (req) => {
      const user = users.get(req)
      return user && { user_id: user.id, tier: user.plan, ...(user.isAdmin && { role: 'admin' }) }
    },
    operations: [{ path: '/api/assistants/:id/ask', type: 'ask', methods: ['POST'] }],
    anonymous: 'refuse', // then track() must come after the authentication
  })
  const app = express()
  app.use(authenticate)
  app.use(usage.track())
  app.use('/usage', usage.router())

  app.post('/api/assistants/:id/ask', (_req, res) => {
    res.json({ answer: 'Yes.', model: 'gpt-4o-mini', usage: { input_tokens: 9, output_tokens: 2 } })
  })

  await usage.ready() // the spool is open, prices and plans are known
  const server = app.listen(settings.port)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async () => {
    server.close()
    server.closeIdleConnections()
    const report = await usage.close() // leaves the connection open: it is yours
    await connection.close()
    return report
  }
  return { url: `http://localhost:${port}`, usage, close }
}

async function main() {
  const { MONGODB_URI: mongoUri, PORT = '3000' } = process.env
  if (!mongoUri) throw new Error('Set MONGODB_URI')
  const { url, close } = await start({ mongoUri, port: Number(PORT) })
  console.log(`${url}/api/assistants/7/ask, ${url}/usage/me; see the top of this file`)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void close())
}

if (process.argv[1] === fileURLToPath(import.meta.url)) void main()
