import { setTimeout as sleep } from 'node:timers/promises'
import { MongoMemoryServer } from 'mongodb-memory-server'
import mongoose, { type Connection } from 'mongoose'
import { choosePort } from '../../scripts/mongod/port.js'
import { mongodArgs, testMongod } from './mongo.js'

/** A cluster of two shards with a router before them. */
export interface ShardedCluster {
  /** A client's URI of the router, naming this database. */
  uri(database: string): string
  /** Runs a command of the router's `admin`. */
  admin(command: Record<string, unknown>): Promise<Record<string, unknown>>
  /** How many documents of a collection each shard has itself. */
  counts(database: string, collection: string): Promise<number[]>
  stop(): Promise<void>
}

const test = [
  ...[...mongodArgs, '--oplogSize', '64'],
  ...['--setParameter', 'enableTestCommands=1'],
]

/**
 * One mongod is config server, shard and, on a port of its own, router (which MongoDB 8.2 has behind a
 * feature flag, and no mongos is needed for then), another one is the second shard. Undefined where the
 * mongod at hand cannot do that.
 */
export async function startShardedCluster(): Promise<ShardedCluster | undefined> {
  const binary = await testMongod()
  if (!/^(?:8\.[2-9]|9)\b/.test(binary.version)) return undefined
  const routerPort = await choosePort()
  const start = (replSet: string, args: readonly string[]) =>
    MongoMemoryServer.create({
      binary,
      instance: { storageEngine: 'wiredTiger', replSet, args: [...args, ...test] },
    })
  const router = ['--routerPort', String(routerPort)]
  const flag = ['--setParameter', 'featureFlagRouterPort=true']
  const servers = await Promise.all([
    start('first', ['--configsvr', ...router, ...flag]),
    start('second', ['--shardsvr']),
  ])
  const connections: Connection[] = []
  const open = async (port: number) => {
    const uri = `mongodb://127.0.0.1:${port}/?directConnection=true`
    const connection = await mongoose.createConnection(uri).asPromise()
    connections.push(connection)
    return connection
  }
  const ports = servers.map(({ instanceInfo }) => instanceInfo?.port ?? 0)
  const shards = await Promise.all(ports.map(open))
  const [first, second] = ports.map((port) => ({
    members: [{ _id: 0, host: `127.0.0.1:${port}` }],
  }))
  await initiate(shards[0], { _id: 'first', configsvr: true, ...first })
  await initiate(shards[1], { _id: 'second', ...second })
  const through = await open(routerPort)
  const admin = (command: Record<string, unknown>) => run(through, command)
  await admin({ transitionFromDedicatedConfigServer: 1 })
  await admin({ addShard: `second/127.0.0.1:${ports[1]}` })
  return {
    uri: (database) => `mongodb://127.0.0.1:${routerPort}/${database}`,
    admin,
    counts: (database, collection) =>
      Promise.all(
        shards.map((shard) => shard.useDb(database).collection(collection).countDocuments()),
      ),
    stop: async () => {
      await Promise.all(connections.map((connection) => connection.close()))
      await Promise.all(servers.map((server) => server.stop({ doCleanup: true, force: true })))
    },
  }
}

async function initiate(shard: Connection | undefined, config: object): Promise<void> {
  if (shard === undefined) throw new Error('no shard')
  await run(shard, { replSetInitiate: config })
  while ((await run(shard, { hello: 1 })).isWritablePrimary !== true) await sleep(50)
}

async function run(
  connection: Connection,
  command: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const reply = await connection.useDb('admin').db?.command(command)
  if (reply === undefined) throw new Error('not connected')
  return reply
}
