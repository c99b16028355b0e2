import mongoose, { type Connection } from 'mongoose'
import type { Logger } from '../logger.js'

/** How long it is waited before MongoDB is called again that has not answered so far, ms. */
const againMs = 1_000

/** A connection that is ours. */
export interface OwnConnection {
  readonly connection: Connection
  /** Gives up where it has not been opened yet. To be called before `connection.close()`. */
  stop(): void
}

/**
 * Our own connection: opened at once, never blocking, with short waits. mongoose gives up when the
 * first attempt fails; a MongoDB that starts after the app is found all the same.
 */
export function openConnection(mongoUri: string, logger: Logger): OwnConnection {
  const connection = mongoose.createConnection()
  let isStopped = false
  let timer: NodeJS.Timeout | undefined
  const open = (attempt: number) => {
    connection
      .openUri(mongoUri, {
        bufferCommands: false,
        serverSelectionTimeoutMS: 5_000,
        maxPoolSize: 20,
      })
      .catch((error: unknown) => {
        if (isStopped) return
        if (attempt === 1) logger.warn(`usage: MongoDB cannot be reached yet: ${String(error)}`)
        timer = setTimeout(() => open(attempt + 1), againMs)
        timer.unref()
      })
  }
  open(1)
  const stop = () => {
    isStopped = true
    clearTimeout(timer)
  }
  return { connection, stop }
}
