import { setTimeout } from 'node:timers'
import mongoose, { type Connection, type ConnectOptions } from 'mongoose'
import type { Logger } from '../logger.js'

/** What the store asks over which connection, so that none of the three waits for another. */
export interface Pools {
  /** What requests wait for: counters, accounts, plans, budgets, prices. */
  readonly admission: Connection
  /** What is written for them: the log, rollups, the sight of users. */
  readonly flushing: Connection
  /** Answers, and what rollups are made from. */
  readonly reading: Connection
}

export interface OwnPools extends Pools {
  close(): Promise<void>
}

/** How long an attempt to connect takes at most, and is waited until the next, ms. */
const connectMs = 5_000
const againMs = 1_000

const common = {
  bufferCommands: false,
  serverSelectionTimeoutMS: connectMs,
  connectTimeoutMS: connectMs,
} satisfies ConnectOptions

/** The longest a socket is silent is longer than anything that is asked over it may take. */
export const poolBounds = {
  admission: { maxPoolSize: 20, waitQueueTimeoutMS: 1_000, socketTimeoutMS: 10_000 },
  flushing: { maxPoolSize: 10, waitQueueTimeoutMS: 5_000, socketTimeoutMS: 30_000 },
  reading: { maxPoolSize: 20, waitQueueTimeoutMS: 5_000, socketTimeoutMS: 150_000 },
} satisfies Record<keyof Pools, ConnectOptions>

/** The host's own connection, for everything. */
export function poolsOf(connection: Connection): Pools {
  return { admission: connection, flushing: connection, reading: connection }
}

/** Connections of our own: opened at once, never blocking, tried again until they are closed. */
export function openPools(uri: string, logger: Logger): OwnPools {
  const connections: Connection[] = []
  let isClosed = false
  let isTold = false
  const open = (name: keyof Pools) => {
    const options = { ...common, ...poolBounds[name], appName: `express-ai-usage-${name}` }
    const connection = mongoose.createConnection()
    connections.push(connection)
    const again = () => {
      if (isClosed) return
      connection.openUri(uri, options).catch((error: unknown) => {
        if (!isTold && !isClosed) {
          logger.warn(`usage: MongoDB cannot be reached yet: ${String(error)}`)
        }
        isTold = true
        setTimeout(again, againMs).unref()
      })
    }
    again()
    return connection
  }
  return {
    admission: open('admission'),
    flushing: open('flushing'),
    reading: open('reading'),
    close: async () => {
      isClosed = true
      await Promise.all(connections.map((connection) => connection.close()))
    },
  }
}
