import { createServer } from 'node:http'
import type { Express, Request, Response } from 'express'
import { createUsage, type Usage, type UsageEvent, type UsageOptions } from '../../src/index.js'
import { bearer, listen, secret } from '../helpers/app.js'
import { freshDatabase } from '../helpers/mongo.js'
import { frameworks, type Framework } from '../tap/stand.js'
import { quiet } from '../helpers/quiet.js'
import { until } from '../helpers/until.js'

type Claims = Parameters<typeof bearer>[1]

/** An app whose handlers answer when the test says so. */
export interface App {
  readonly url: string
  readonly port: number
  /** Users in the order in which their handlers were called. */
  readonly called: string[]
  /** Requests that have reached the app. */
  arrived: number
  /** Keeps the response of a handler open; to be called by it. */
  hold(user: string, res: Response): void
  /** Ends the response that is open for a user, once there is one. */
  answer(user: string, end?: (res: Response) => void): Promise<void>
  /** Asks, and resolves with the answer on its way when the request has arrived. */
  ask(user: string, more?: Asked): Promise<{ answer: Promise<globalThis.Response> }>
}

interface Asked {
  readonly claims?: Claims
  readonly path?: string
  readonly signal?: AbortSignal
}

export interface Stand {
  readonly usage: Usage
  /** One more app on the same meter. */
  open(mount: (app: Express, state: App) => void): Promise<App>
  /** What was recorded of a user. */
  events(user: string): Promise<UsageEvent[]>
  close(): Promise<void>
}

export async function startStand(
  framework: Framework,
  options: Partial<UsageOptions> = {},
): Promise<Stand> {
  const database = await freshDatabase()
  const usage = createUsage({
    connection: database.connection,
    auth: { secret, algorithms: ['HS256'] },
    logger: quiet,
    plans: Object.fromEntries(
      ['free', 'basic', 'pro', 'enterprise'].map((tier) => [tier, { limits: [] }]),
    ),
    ledger: { lingerMs: 5 },
    rollup: { enabled: false },
    ...options,
  })
  await usage.ready()
  const closers: (() => Promise<void>)[] = []
  return {
    usage,
    open: async (mount) => {
      const express = frameworks[framework]()
      // Keeps the default error handler from writing to the console.
      express.set('env', 'test')
      const server = createServer(express)
      const app = appOf(await listen(server))
      express.use((_req, _res, next) => {
        app.arrived += 1
        next()
      })
      mount(express, app)
      closers.push(async () => {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      })
      return app
    },
    events: async (user) => {
      await usage.flush()
      const logs = database.connection.collection<UsageEvent>('usage_logs')
      return logs.find({ user_id: user }).sort({ timestamp: 1 }).toArray()
    },
    close: async () => {
      await Promise.all(closers.map((close) => close()))
      await usage.close()
      await database.drop()
    },
  }
}

function appOf(url: string): App {
  const open = new Map<string, Response>()
  const app: App = {
    url,
    port: Number(new URL(url).port),
    called: [],
    arrived: 0,
    hold: (user, res) => {
      app.called.push(user)
      open.set(user, res)
    },
    answer: async (user, end = (res) => res.json({ reply: 'Hi' })) => {
      await until(() => open.has(user))
      const res = open.get(user)
      open.delete(user)
      if (res) end(res)
    },
    ask: async (user, { claims, path = '/ai/chat', signal } = {}) => {
      const before = app.arrived
      const answer = fetch(`${url}${path}`, {
        method: 'POST',
        headers: bearer(user, claims),
        ...(signal && { signal }),
      })
      answer.catch(() => undefined)
      await until(() => app.arrived > before)
      return { answer }
    },
  }
  return app
}

/** Whom the token of a request names. */
export const userOf = (req: Request) => {
  const payload = /\.(.*)\./.exec(req.get('authorization') ?? '')?.[1] ?? ''
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub: string }).sub
}

/** `/ai/chat`, which answers when told; everything else answers at once. */
export function mountChat(app: Express, state: App): void {
  app.post('/ai/chat', (req, res) => state.hold(userOf(req), res))
  app.all('/free', (_req, res) => void res.send('free'))
}
