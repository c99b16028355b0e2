import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Request, Response } from 'express'
import type { UsageEvent } from '../../src/index.js'
import type { TestApp } from '../helpers/app.js'
import { bearer } from '../helpers/app.js'

/** What a test lets a provider answer. */
export type Answer = (req: IncomingMessage, res: ServerResponse, body: string) => void

export interface Provider {
  readonly url: string
  readonly server: Server
  /** Requests that have come, with their bodies. */
  readonly requests: { path: string; body: string }[]
  answer: Answer
  close(): Promise<void>
}

/** A real HTTP server in the place of a provider. */
export async function startProvider(answer: Answer): Promise<Provider> {
  const requests: Provider['requests'] = []
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8')
      requests.push({ path: req.url ?? '', body })
      provider.answer(req, res, body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const provider: Provider = {
    url: `http://127.0.0.1:${port}`,
    server,
    requests,
    answer,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return provider
}

export type Handler = (req: Request, res: Response) => Promise<void> | void

/** Asks the host's only route and answers what was recorded of it. */
export async function operation(app: TestApp, user: string, init: RequestInit = {}) {
  const response = await fetch(`${app.url}/ai/chat`, {
    method: 'POST',
    headers: { ...bearer(user), 'content-type': 'application/json' },
    body: '{"message":"Where to in May?"}',
    ...init,
  })
  await response.arrayBuffer()
  return eventOf(app, user)
}

/** The only operation of a user. */
export async function eventOf(app: TestApp, user: string): Promise<UsageEvent> {
  await app.usage.flush()
  const events = await app.database.connection
    .collection<UsageEvent>('usage_logs')
    .find({ user_id: user })
    .toArray()
  const [event, ...more] = events
  if (event === undefined || more.length > 0) throw new Error(`${events.length} events of ${user}`)
  return event
}
