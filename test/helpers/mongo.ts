import { randomUUID } from 'node:crypto'
import { MongoMemoryReplSet } from 'mongodb-memory-server'
import mongoose, { type Connection, type ConnectOptions } from 'mongoose'
import { findMongod } from '../../scripts/mongod/find.js'

export interface FreshDatabase {
  /** Names the database, so a client of this URI uses it by default. */
  uri: string
  name: string
  /** Open. `drop` closes it. */
  connection: Connection
  /** Drops the database and closes `connection`. */
  drop(): Promise<void>
}

let starting: Promise<MongoMemoryReplSet> | undefined
const open = new Set<Connection>()

/**
 * A one-node replica set on a real mongod, started by the first call in this process and stopped by
 * the root hooks of mocha. Names no database.
 */
export async function testMongoUri(): Promise<string> {
  starting ??= startReplicaSet()
  return (await starting).getUri()
}

/** A database of its own, empty, with a mongoose connection. */
export async function freshDatabase(options: ConnectOptions = {}): Promise<FreshDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await testMongoUri()
  const uri = (await starting)?.getUri(name) ?? ''
  const connection = await mongoose.createConnection(uri, options).asPromise()
  open.add(connection)
  const drop = async () => {
    await connection.dropDatabase()
    await connection.close()
    open.delete(connection)
  }
  return { uri, name, connection, drop }
}

/** Closes what tests left open and stops the server, if one was started. */
export async function stopTestMongo(): Promise<void> {
  const started = starting
  starting = undefined
  // A mongod that still has clients waits for them before it ends.
  await Promise.all([...open].map((connection) => connection.close()))
  open.clear()
  await (await started?.catch(() => undefined))?.stop({ doCleanup: true, force: true })
}

/** Its data outlives neither the tests nor a power cut: the disk need not have it, nor be waited for. */
const hurry = [
  ...['--journalCommitInterval', '5'],
  ...['--wiredTigerEngineConfigString', 'checkpoint_sync=false,transaction_sync=(enabled=false)'],
]

/** One more mongod, a one-node replica set; whoever starts it stops it. */
export async function startReplicaSet(): Promise<MongoMemoryReplSet> {
  const log = { info: () => undefined, warn: console.warn, error: console.error }
  const { path, version } = await findMongod({ env: process.env, log })
  process.env.MONGOMS_SYSTEM_BINARY = path
  process.env.MONGOMS_VERSION = version
  return MongoMemoryReplSet.create({
    binary: { systemBinary: path, version },
    replSet: {
      count: 1,
      storageEngine: 'wiredTiger',
      args: [
        ...hurry,
        ...['--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '64', '--quiet'],
        ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
        ...['--setParameter', 'shutdownTimeoutMillisForSignaledShutdown=100'],
      ],
    },
  })
}
