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
  /** Empties the database and closes `connection`; another test may have it then, with its indexes. */
  drop(): Promise<void>
}

let starting: Promise<MongoMemoryReplSet> | undefined
const open = new Set<Connection>()
/** Databases that tests have left behind, empty: making their collections anew would take longer. */
const used: string[] = []

/** Set while one server is shared by all processes that run tests. */
const sharedUri = 'TEST_MONGO_URI'

/** Starts the server that processes share which are started from now on. */
export async function shareTestMongo(): Promise<void> {
  process.env[sharedUri] = await testMongoUri()
}

/**
 * A one-node replica set on a real mongod, started by the first call in this process and stopped by
 * the root hooks of mocha. Names no database.
 */
export async function testMongoUri(): Promise<string> {
  const shared = process.env[sharedUri]
  if (shared !== undefined) return shared
  starting ??= startReplicaSet()
  return (await starting).getUri()
}

/** A database of its own, empty, with a mongoose connection. */
export async function freshDatabase(options: ConnectOptions = {}): Promise<FreshDatabase> {
  const name = used.length > 4 ? String(used.shift()) : `test_${randomUUID().replaceAll('-', '')}`
  const uri = uriOf(await testMongoUri(), name)
  const connection = await mongoose.createConnection(uri, options).asPromise()
  open.add(connection)
  const drop = async () => {
    const collections = (await connection.db?.collections()) ?? []
    await Promise.all(collections.map((collection) => collection.deleteMany({})))
    await connection.close()
    open.delete(connection)
    used.push(name)
  }
  return { uri, name, connection, drop }
}

function uriOf(server: string, name: string): string {
  const uri = new URL(server)
  uri.pathname = `/${name}`
  return uri.href
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

/** The binary that tests run. */
export async function testMongod(): Promise<{ systemBinary: string; version: string }> {
  const log = { info: () => undefined, warn: console.warn, error: console.error }
  const { path, version } = await findMongod({ env: process.env, log })
  process.env.MONGOMS_SYSTEM_BINARY = path
  process.env.MONGOMS_VERSION = version
  return { systemBinary: path, version }
}

/** How tests start a mongod of any kind. */
export const mongodArgs = [
  ...hurry,
  ...['--wiredTigerCacheSizeGB', '0.25', '--quiet'],
  ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
  ...['--setParameter', 'shutdownTimeoutMillisForSignaledShutdown=100'],
]

/** One more mongod, a one-node replica set; whoever starts it stops it. */
export async function startReplicaSet(more: readonly string[] = []): Promise<MongoMemoryReplSet> {
  return MongoMemoryReplSet.create({
    binary: await testMongod(),
    replSet: {
      count: 1,
      storageEngine: 'wiredTiger',
      args: [...mongodArgs, '--oplogSize', '64', ...more],
    },
  })
}
