import mongoose from 'mongoose'
import { systemClock } from '../src/clock.js'
import { createStore, type Store } from '../src/store/store.js'
import { CommandError, terminal } from './command.js'
import { startEmbeddedMongod } from './mongod/embedded.js'
import { MongodError } from './mongod/error.js'
import { readState } from './mongod/occupant.js'

const dataDir = './data/mongod'

interface Server {
  uri: string
  stop(): Promise<void>
}

/**
 * Works on the database of MONGODB_URI, or on the embedded mongod of `./data` where that is not
 * set (through a running server, if there is one), and closes what it opened. Throws CommandError.
 */
export async function withStore<T>(
  env: NodeJS.ProcessEnv,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const server = env.MONGODB_URI ? given(env.MONGODB_URI) : await embedded(env)
  try {
    const connection = await connect(server.uri)
    try {
      const store = createStore(connection, systemClock, 60_000)
      await store.prepare()
      return await work(store)
    } finally {
      await connection.close()
    }
  } finally {
    await server.stop()
  }
}

function given(uri: string): Server {
  return { uri, stop: () => Promise.resolve() }
}

async function embedded(env: NodeJS.ProcessEnv): Promise<Server> {
  try {
    return await startEmbeddedMongod({ dataDir, log: terminal, env })
  } catch (error) {
    const running = await readState(dataDir)
    if (!(error instanceof MongodError && error.code === 'in_use') || !running) throw error
    return given(`mongodb://127.0.0.1:${running.port}/ai_usage?directConnection=true`)
  }
}

async function connect(uri: string) {
  const options = { bufferCommands: false, serverSelectionTimeoutMS: 5_000 }
  try {
    return await mongoose.createConnection(uri, options).asPromise()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CommandError(`MongoDB cannot be reached: ${reason}. Is MONGODB_URI right?`)
  }
}
