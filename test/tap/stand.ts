import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import express, { type Express } from 'express'
import { createUsage, type Usage, type UsageEvent, type UsageOptions } from '../../src/index.js'
import { listen, secret } from '../helpers/app.js'
import { freshDatabase } from '../helpers/mongo.js'

const require = createRequire(import.meta.url)

/** The Expresses that hosts use, by name. */
export const frameworks = {
  'Express 5': express,
  'Express 4': require('express4') as typeof express,
}

export type Framework = keyof typeof frameworks

/** One host app, with or without the meter: what its routes may use is the same in both. */
export interface Host {
  readonly app: Express
  readonly server: Server
  readonly framework: Framework
  /** Mounts `track()` here, in the metered app only. */
  readonly meter: () => void
  /** The app's notes of what its handlers saw, by case. */
  readonly note: (name: string, what: unknown) => void
}

export interface Side {
  readonly url: string
  readonly port: number
  /** What the handlers noted under a name so far. */
  readonly notes: (name: string) => unknown[]
}

/** A host app twice, metered and bare, on one database. */
export interface Stand {
  readonly metered: Side
  readonly bare: Side
  readonly usage: Usage
  /** Everything in `usage_logs` for a user. */
  readonly events: (user: string) => Promise<UsageEvent[]>
  /** The only event of a user, waited for. */
  readonly event: (user: string) => Promise<UsageEvent>
  readonly close: () => Promise<void>
}

export async function startStand(
  framework: Framework,
  mount: (host: Host) => void,
  options: Partial<UsageOptions> = {},
): Promise<Stand> {
  const database = await freshDatabase()
  const complaints: string[] = []
  const usage = createUsage({
    connection: database.connection,
    auth: { secret, algorithms: ['HS256'] },
    logger: {
      info: () => undefined,
      warn: (line: string) => complaints.push(line),
      error: (line: string) => complaints.push(line),
    },
    plans: { free: { limits: [] } },
    ledger: { lingerMs: 5 },
    rollup: { enabled: false },
    ...options,
  })
  await usage.ready()
  const metered = await startSide(framework, mount, usage)
  const bare = await startSide(framework, mount, undefined)
  const events = async (user: string) => {
    await usage.flush()
    return database.connection
      .collection<UsageEvent>('usage_logs')
      .find({ user_id: user })
      .toArray()
  }
  return {
    metered,
    bare,
    usage,
    events,
    event: (user) => onlyEvent(user, events),
    close: async () => {
      await Promise.all([metered.stop(), bare.stop()])
      await usage.close()
      await database.drop()
      if (complaints.length > 0) throw new Error(`the meter complained: ${complaints.join('; ')}`)
    },
  }
}

async function onlyEvent(user: string, events: (user: string) => Promise<UsageEvent[]>) {
  for (let tries = 0; tries < 100; tries++) {
    const [first, second] = await events(user)
    if (second !== undefined) throw new Error(`more than one event of ${user}`)
    if (first !== undefined) return first
    await sleep(10)
  }
  throw new Error(`no event of ${user}`)
}

async function startSide(
  framework: Framework,
  mount: (host: Host) => void,
  usage: Usage | undefined,
) {
  const app = frameworks[framework]()
  // Keeps the default error handler from writing to the console.
  app.set('env', 'test')
  const server = createServer(app)
  const notes = new Map<string, unknown[]>()
  if (usage) app.use('/ai/usage', usage.router())
  mount({
    app,
    server,
    framework,
    meter: () => {
      if (usage) app.use(usage.track())
    },
    note: (name, what) => {
      notes.set(name, [...(notes.get(name) ?? []), what])
    },
  })
  const url = await listen(server)
  return {
    url,
    port: Number(new URL(url).port),
    notes: (name: string) => notes.get(name) ?? [],
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Resolves when the client of a request has gone, or has all of the answer. */
export function closed({ socket }: IncomingMessage, res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off('close', done)
      socket.off('close', done)
      resolve()
    }
    res.once('close', done)
    socket.once('close', done)
    if (res.closed || socket.destroyed) done()
  })
}
