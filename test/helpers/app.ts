import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Express } from 'express'
import type { ConnectOptions } from 'mongoose'
import { mintToken } from '../../scripts/mint-token.js'
import { createUsage, type Usage, type UsageOptions } from '../../src/index.js'
import { freshDatabase, type FreshDatabase } from './mongo.js'
import { quiet } from './quiet.js'

export const secret = randomBytes(32).toString('base64url')

/** A token of this test's issuer. */
export function token(
  user: string,
  more: { role?: string; tier?: string; org?: string } = {},
): string {
  const now = Date.now()
  return mintToken({ secret, user, ttlSeconds: 3600, now, ...more })
}

export function bearer(user: string, more: { role?: string; tier?: string; org?: string } = {}) {
  return { authorization: `Bearer ${token(user, more)}` }
}

export interface TestApp {
  readonly url: string
  readonly usage: Usage
  readonly database: FreshDatabase
  /** Asks the usage API as an admin. */
  admin<T = Record<string, unknown>>(path: string): Promise<T>
  /** Sends a JSON body to the usage API, as an admin, and answers whatever comes. */
  send(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: Record<string, unknown> }>
  /** Asks the usage API as a user. */
  as<T = Record<string, unknown>>(user: string, path: string): Promise<T>
  close(): Promise<void>
}

/** A metered Express app on a database of its own; `mount` adds the host's routes. */
export async function startApp(
  mount: (app: Express, usage: Usage) => void,
  options: Partial<UsageOptions> = {},
  connect: ConnectOptions = {},
): Promise<TestApp> {
  const database = await freshDatabase(connect)
  const usage = createUsage({
    connection: database.connection,
    auth: { secret, algorithms: ['HS256'] },
    logger: quiet,
    apiRateLimit: false,
    ...options,
  })
  await usage.ready()
  const app = express()
  app.use(usage.track())
  app.use('/ai/usage', usage.router())
  app.get('/health', usage.health())
  mount(app, usage)
  const server = createServer(app)
  const url = await listen(server)
  const ask = async <T>(path: string, headers: Record<string, string>): Promise<T> => {
    const response = await fetch(`${url}/ai/usage${path}`, { headers })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }
  return {
    url,
    usage,
    database,
    admin: (path) => ask(path, bearer('root', { role: 'admin' })),
    as: (user, path) => ask(path, bearer(user)),
    send: async (method, path, body) => {
      const response = await fetch(`${url}/ai/usage${path}`, {
        method,
        headers: { ...bearer('root', { role: 'admin' }), 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await usage.close()
      await database.drop()
    },
  }
}

export function listen(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    })
  })
}
