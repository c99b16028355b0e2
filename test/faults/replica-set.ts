import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import mongoose from 'mongoose'
import { findMongod } from '../../scripts/mongod/find.js'
import { choosePort } from '../../scripts/mongod/port.js'
import { replicaSetName } from '../../scripts/mongod/replica-set.js'
import { launch, type Server } from '../../scripts/mongod/server.js'
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.js'
import { until } from '../helpers/until.js'
import type { Member } from './schedule.js'

/** A mongod that can be killed and started again, and the network before it. */
export interface Node {
  readonly port: number
  readonly proxy: TcpProxy
  server: Server
}

/**
 * Three mongods. Their names are those of proxies, so that apps, and the members among themselves,
 * come to each of them through its proxy.
 */
export class ReplicaSet {
  readonly nodes: readonly Node[]
  readonly uri: string
  readonly #start: (node: number) => Server
  readonly #dir: string

  private constructor(dir: string, nodes: readonly Node[], start: (node: number) => Server) {
    this.#dir = dir
    this.nodes = nodes
    this.#start = start
    const hosts = nodes.map(({ proxy }) => `127.0.0.1:${proxy.port}`).join()
    this.uri = `mongodb://${hosts}/faults?replicaSet=${replicaSetName}`
  }

  static async start(): Promise<ReplicaSet> {
    const dir = await mkdtemp(join(tmpdir(), 'faults-mongod-'))
    const log = { info: () => undefined, warn: console.warn, error: console.error }
    const { path } = await findMongod({ env: process.env, log })
    const ports: number[] = []
    const start = (node: number) =>
      launch(path, {
        dbPath: join(dir, String(node)),
        logPath: join(dir, `${node}.log`),
        port: ports[node] ?? 0,
      })
    const nodes: Node[] = []
    for (let node = 0; node < 3; node++) {
      await mkdir(join(dir, String(node)))
      const port = await choosePort()
      ports.push(port)
      nodes.push({ port, proxy: await startTcpProxy(port), server: start(node) })
    }
    const set = new ReplicaSet(dir, nodes, start)
    await set.#initiate()
    return set
  }

  async #initiate(): Promise<void> {
    const members = this.nodes.map(({ proxy }, _id) => ({ _id, host: `127.0.0.1:${proxy.port}` }))
    const settings = { electionTimeoutMillis: 2_000, heartbeatIntervalMillis: 500 }
    const config = { _id: replicaSetName, members, settings }
    await until(async () => (await this.#ask(0, { replSetInitiate: config })) !== undefined, 20_000)
    await this.primary()
  }

  /** The number of the member that takes writes, once there is one. */
  async primary(withinMs = 60_000): Promise<number> {
    let found = -1
    const look = async () => {
      const all = await Promise.all(this.nodes.map((_, node) => this.#ask(node, { hello: 1 })))
      found = all.findIndex((one) => one?.isWritablePrimary === true)
      if (found === -1) await sleep(100)
      return found !== -1
    }
    await until(look, withinMs)
    return found
  }

  /** Who is meant; where there is no primary now, the first. */
  async pick(member: Member): Promise<number> {
    if (member !== 'primary') return member
    return this.primary(1_500).catch(() => 0)
  }

  /** Kills it; it is back after so long. */
  async kill(node: number, downMs: number): Promise<void> {
    const one = this.nodes[node]
    if (one === undefined) return
    process.kill(one.server.pid, 'SIGKILL')
    await one.server.ended
    await sleep(downMs)
    one.server = this.#start(node)
    await until(async () => (await this.#ask(node, { hello: 1 })) !== undefined, 60_000)
  }

  /** Stops it in the middle of whatever it does, for so long. */
  async freeze(node: number, forMs: number): Promise<void> {
    const pid = this.nodes[node]?.server.pid
    if (pid === undefined) return
    process.kill(pid, 'SIGSTOP')
    await sleep(forMs)
    process.kill(pid, 'SIGCONT')
  }

  /** Has the primary step down, if there is one. */
  async stepDown(): Promise<void> {
    const node = await this.pick('primary')
    await this.#ask(node, { replSetStepDown: 3, secondaryCatchUpPeriodSecs: 1, force: true })
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map(({ server }) => server.stop()))
    await Promise.all(this.nodes.map(({ proxy }) => proxy.close()))
    await rm(this.#dir, { recursive: true, force: true })
  }

  /** Asks one member itself, past its proxy; undefined where it does not answer, or refuses. */
  async #ask(node: number, command: object): Promise<Record<string, unknown> | undefined> {
    const port = this.nodes[node]?.port ?? 0
    const client = new mongoose.mongo.MongoClient(`mongodb://127.0.0.1:${port}/`, {
      directConnection: true,
      ...{ serverSelectionTimeoutMS: 1_000, connectTimeoutMS: 1_000, socketTimeoutMS: 10_000 },
    })
    const late = sleep('hello' in command ? 1_500 : 12_000, undefined)
    try {
      return await Promise.race([client.db('admin').command({ ...command }), late])
    } catch {
      return undefined
    } finally {
      void client.close().catch(() => undefined)
    }
  }
}
