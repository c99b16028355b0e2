import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import express, { type Express } from 'express'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { createUsage, type Usage, type UsageEvent, type UsageOptions } from '../../src/index.js'
import { listen, secret, token } from '../helpers/app.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'

const require = createRequire(import.meta.url)

export const frameworks = {
  'Express 5': express,
  'Express 4': require('express4') as typeof express,
}

/** What a provider's key looks like; no test may find it anywhere on the client's side. */
export const apiKey = 'sk-proj-Zq7w3kT9rB1xV5mN0cL8dF2hJ4'

export interface ProxyHost {
  readonly url: string
  readonly port: number
  readonly usage: Usage
  readonly database: FreshDatabase
  /** Everything that was logged. */
  readonly lines: readonly string[]
  /** All events of a user in `usage_logs`. */
  events(user: string): Promise<UsageEvent[]>
  /** The only event of a user, waited for. */
  event(user: string): Promise<UsageEvent>
  close(): Promise<void>
}

/** An app without `track()`: what is metered here, the proxies meter. */
export async function startHost(
  mount: (app: Express, usage: Usage) => void,
  options: Partial<UsageOptions> & { framework?: keyof typeof frameworks } = {},
): Promise<ProxyHost> {
  const { framework = 'Express 5', ...more } = options
  const database = await freshDatabase()
  const lines: string[] = []
  const log = (line: string) => void lines.push(line)
  const usage = createUsage({
    connection: database.connection,
    auth: { secret, algorithms: ['HS256'] },
    logger: { info: log, warn: log, error: log },
    ledger: { lingerMs: 5 },
    rollup: { enabled: false },
    ...more,
  })
  await usage.ready()
  const app = frameworks[framework]()
  app.set('env', 'test')
  mount(app, usage)
  const server = createServer(app)
  const url = await listen(server)
  const events = async (user: string) => {
    await usage.flush()
    const logs = database.connection.collection<UsageEvent>('usage_logs')
    return logs.find({ user_id: user }).toArray()
  }
  return {
    url,
    port: (server.address() as AddressInfo).port,
    usage,
    database,
    lines,
    events,
    event: async (user) => {
      for (let tries = 0; ; tries += 1) {
        const [event, ...others] = await events(user)
        if (others.length > 0) throw new Error(`${others.length + 1} events of ${user}`)
        if (event) return event
        if (tries > 200) throw new Error(`no event of ${user}`)
        await sleep(10)
      }
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await usage.close()
      await database.drop()
    },
  }
}

/** A request as a provider saw it. */
export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: Buffer
  /** Tells connections apart. */
  readonly port: number | undefined
}

export interface Provider {
  readonly url: string
  readonly seen: Seen[]
  close(): Promise<void>
}

export type Answer = (req: IncomingMessage, res: ServerResponse, body: Buffer) => void

/** A provider on loopback that answers as it is told and notes what it saw. */
export async function startProvider(answer: Answer): Promise<Provider> {
  const seen: Seen[] = []
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const body = Buffer.concat(chunks)
      const { method = '', url = '', headers } = req
      seen.push({ method, url, headers, body, port: req.socket.remotePort })
      answer(req, res, body)
    })
  })
  const url = await listen(server)
  return {
    url,
    seen,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function openai(baseURL: string, user: string): OpenAI {
  return new OpenAI({ apiKey: token(user), baseURL, maxRetries: 0, logLevel: 'off' })
}

export function anthropic(baseURL: string, user: string): Anthropic {
  const options = { authToken: null, maxRetries: 0, logLevel: 'off' } as const
  return new Anthropic({ apiKey: token(user), baseURL, ...options })
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

/** What a rejected promise rejects with. */
export async function rejection(work: Promise<unknown>): Promise<Error> {
  try {
    await work
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('it did not fail')
}
