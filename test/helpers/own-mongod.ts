import { startReplicaSet } from './mongo.js'

/** A mongod that a test has to itself, to treat badly. */
export interface OwnMongod {
  readonly port: number
  /** Stops it in the middle of whatever it does: connections stay, answers do not come. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

/** A one-node replica set that accepts writes; `more` are arguments of its own. */
export async function startOwnMongod(more: readonly string[] = []): Promise<OwnMongod> {
  const set = await startReplicaSet(more)
  const [info] = set.servers.map(({ instanceInfo }) => instanceInfo)
  const child = info?.instance.mongodProcess
  if (info === undefined || child === undefined) throw new Error('no mongod')
  return {
    port: info.port,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop: async () => {
      child.kill('SIGCONT')
      await set.stop({ doCleanup: true, force: true })
    },
  }
}
