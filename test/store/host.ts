import { createServer } from 'node:http'
import express from 'express'
import { createUsage, type Usage, type UsageOptions } from '../../src/index.js'
import { bearer, listen, secret } from '../helpers/app.js'
import { quiet } from '../helpers/quiet.js'

/** An app whose meter opens its own connections. */
export interface Host {
  readonly usage: Usage
  /** Calls the model as this user; 100 tokens. */
  chat(user: string): Promise<Chat>
  /** Asks the usage API as an admin. */
  admin<T = Record<string, unknown>>(path: string): Promise<T>
  send(method: string, path: string, body: unknown): Promise<number>
  close(): Promise<void>
}

export interface Chat {
  readonly status: number
  /** Whether it was let through without asking. */
  readonly isDegraded: boolean
  readonly ms: number
}

const answer = {
  ...{ object: 'chat.completion', model: 'gpt-4o-mini', choices: [] },
  usage: { prompt_tokens: 60, completion_tokens: 40, total_tokens: 100 },
}

/** Does not wait for the database. */
export async function startHost(
  mongoUri: string,
  options: Partial<UsageOptions> = {},
): Promise<Host> {
  const usage = createUsage({
    mongoUri,
    auth: { secret, algorithms: ['HS256'] },
    apiRateLimit: false,
    spool: false,
    logger: quiet,
    ...options,
  })
  const app = express()
  app.use(usage.track())
  app.use('/ai/usage', usage.router())
  app.post('/ai/chat', (_req, res) => void res.json(answer))
  const server = createServer(app)
  const url = await listen(server)
  const as = bearer('root', { role: 'admin' })
  return {
    usage,
    chat: async (user) => {
      const began = performance.now()
      const response = await fetch(`${url}/ai/chat`, { method: 'POST', headers: bearer(user) })
      await response.text()
      const isDegraded = response.headers.has('x-usage-degraded')
      return { status: response.status, isDegraded, ms: performance.now() - began }
    },
    admin: async <T>(path: string) => {
      const response = await fetch(`${url}/ai/usage${path}`, { headers: as })
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as T
    },
    send: async (method, path, body) => {
      const headers = { ...as, 'content-type': 'application/json' }
      const sent = { method, headers, body: JSON.stringify(body) }
      return (await fetch(`${url}/ai/usage${path}`, sent)).status
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await usage.close()
    },
  }
}
