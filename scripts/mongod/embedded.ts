import { mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../src/logger.js'
import { MongodError, reasonOf } from './error.js'
import { findMongod } from './find.js'
import { clearTheWay, occupied, readState, writeState } from './occupant.js'
import { choosePort } from './port.js'
import { bringUp, replicaSetName } from './replica-set.js'
import { lastErrors, rotateLog } from './server-log.js'
import { launch, type Server } from './server.js'

export interface EmbeddedMongodOptions {
  /** Everything is kept here: `db/`, `mongod.log`, `mongod.json`. Default: `./data/mongod`. */
  dataDir?: string
  log: Logger
  /** Default: the port of the last run where it is free, else any free one. */
  port?: number
  /** Default: what `findMongod` finds with `env`. */
  mongod?: { path: string }
  /** For `findMongod`. Default: `process.env`. */
  env?: NodeJS.ProcessEnv
}

export interface EmbeddedMongod {
  /** Of a one-node replica set on 127.0.0.1; the default database is `ai_usage`. */
  uri: string
  /** Ends the server cleanly and waits for it. Close its clients first. Idempotent. */
  stop(): Promise<void>
}

interface Paths {
  dataDir: string
  dbPath: string
  logPath: string
}

const upWithinMs = 120_000
const exitPortTaken = 48
const exitDataInUse = 100

/**
 * Starts the mongod that keeps its data in `dataDir`, as a one-node replica set that accepts writes
 * when this resolves. It ends with this process, even when this process is killed. Throws MongodError:
 * `in_use` (names the process that has the directory), `start_failed`, and those of `findMongod`.
 */
export async function startEmbeddedMongod(options: EmbeddedMongodOptions): Promise<EmbeddedMongod> {
  const { log, env = process.env } = options
  const { path } = options.mongod ?? (await findMongod({ env, log }))
  const paths = await prepare(options.dataDir ?? './data/mongod')
  await rotateLog(paths.logPath)
  for (let attempt = 1; ; attempt++) {
    await clearTheWay(paths, log)
    const remembered = attempt === 1 ? (await readState(paths.dataDir))?.port : undefined
    const port = await choosePort(options.port, remembered)
    const server = launch(path, { ...paths, port })
    try {
      await untilUp(server, port)
      await writeState(paths.dataDir, { port, mongod_pid: server.pid, owner_pid: process.pid })
      return running(server, port, paths, log)
    } catch (error) {
      await server.stop()
      if (attempt === 5 || !mayPass(server, options)) throw await explain(error, server, paths)
      await sleep(200)
    }
  }
}

/** Whether it lost a race for the port, or for a directory whose last mongod was just ending. */
function mayPass({ exitCode }: Server, { port }: EmbeddedMongodOptions): boolean {
  return exitCode === exitDataInUse || (exitCode === exitPortTaken && port === undefined)
}

async function prepare(dataDir: string): Promise<Paths> {
  await mkdir(join(dataDir, 'db'), { recursive: true, mode: 0o700 })
  const real = await realpath(dataDir)
  return { dataDir: real, dbPath: join(real, 'db'), logPath: join(real, 'mongod.log') }
}

async function untilUp(server: Server, port: number): Promise<void> {
  const abort = new AbortController()
  const late = new Error(`it accepts no writes after ${upWithinMs / 1000} s`)
  const timer = setTimeout(() => abort.abort(late), upWithinMs)
  void server.ended.then(() => abort.abort(new Error(`it ended with ${server.outcome}`)))
  try {
    await bringUp({ port, pid: server.pid, signal: abort.signal })
  } finally {
    clearTimeout(timer)
  }
}

async function explain(error: unknown, server: Server, paths: Paths): Promise<MongodError> {
  if (server.exitCode === exitDataInUse) {
    const owner = await occupied(paths)
    if (owner) return owner
  }
  const said = await lastErrors(paths.logPath, server.pid)
  const because = said === '' ? reasonOf(error) : `${reasonOf(error)}: ${said}`
  const message = `The embedded mongod did not start in ${paths.dataDir}: ${because}. Its log: ${paths.logPath}`
  return new MongodError('start_failed', message, { cause: error })
}

function running(server: Server, port: number, paths: Paths, log: Logger): EmbeddedMongod {
  let stopping: Promise<void> | undefined
  void server.ended.then(() => {
    if (stopping) return
    log.error(`The embedded mongod ended with ${server.outcome}. Its log: ${paths.logPath}`)
  })
  server.unref()
  return {
    uri: `mongodb://127.0.0.1:${port}/ai_usage?replicaSet=${replicaSetName}`,
    stop: () => (stopping ??= server.stop()),
  }
}
