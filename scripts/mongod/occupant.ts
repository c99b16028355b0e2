import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import type { Logger } from '../../src/logger.js'
import { MongodError } from './error.js'
import { inspect, isAlive } from './process.js'

const State = z.object({
  port: z.int().min(1).max(65_535),
  mongod_pid: z.int(),
  owner_pid: z.int(),
})

/** What one run leaves for the next, in `mongod.json` of the data directory. */
export type State = z.infer<typeof State>

interface Directory {
  dataDir: string
  dbPath: string
}

const endsWithinMs = 60_000

/** The state of the last run; undefined where there is none that can be read. */
export async function readState(dataDir: string): Promise<State | undefined> {
  try {
    return State.parse(JSON.parse(await readFile(join(dataDir, 'mongod.json'), 'utf8')))
  } catch {
    return undefined
  }
}

export async function writeState(dataDir: string, state: State): Promise<void> {
  const path = join(dataDir, 'mongod.json')
  await writeFile(`${path}.new`, `${JSON.stringify(state)}\n`)
  await rename(`${path}.new`, path)
}

/**
 * Makes sure that no mongod runs on the directory: one whose owner died is ended. Throws MongodError
 * `in_use` when its owner lives.
 */
export async function clearTheWay(directory: Directory, log: Logger): Promise<void> {
  const occupant = await findOccupant(directory)
  if (occupant === undefined) return
  if (!occupant.orphaned) throw inUse(directory, occupant)
  log.warn(`Ending mongod (process ${occupant.pid}), left behind by a process that is gone`)
  await end(occupant.pid)
}

/** The error that names the process which has the directory; undefined when it cannot be told. */
export async function occupied(directory: Directory): Promise<MongodError | undefined> {
  const pid = await lockHolder(directory)
  return pid === undefined ? undefined : inUse(directory, { pid })
}

function inUse({ dataDir }: Directory, { pid, owner }: { pid: number; owner?: number }) {
  const by = owner === undefined ? '' : `, started by process ${owner}`
  const remedy = 'Stop that process, or set MONGODB_URI or another data directory'
  return new MongodError(
    'in_use',
    `${dataDir} is in use by mongod (process ${pid}${by}). ${remedy}.`,
  )
}

async function findOccupant(
  directory: Directory,
): Promise<{ pid: number; owner: number; orphaned: boolean } | undefined> {
  const pid = await lockHolder(directory)
  if (pid === undefined) return undefined
  const found = await inspect(pid)
  // After a crash the id may belong to a program of another kind by now.
  if (!found?.command.includes(`--dbpath ${directory.dbPath} `)) return undefined
  const state = await readState(directory.dataDir)
  // The parent of a process changes when it dies, so this holds though ids are used again.
  const orphaned = state?.mongod_pid === pid ? found.parent !== state.owner_pid : found.parent === 1
  return { pid, owner: found.parent, orphaned }
}

/** mongod writes its process id into its lock file and empties it when it ends cleanly. */
async function lockHolder({ dbPath }: Directory): Promise<number | undefined> {
  const text = await readFile(join(dbPath, 'mongod.lock'), 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  return pid > 0 && isAlive(pid) ? pid : undefined
}

async function end(pid: number): Promise<void> {
  signal(pid, 'SIGTERM')
  for (let waitedMs = 0; await inspect(pid); waitedMs += 50) {
    if (waitedMs === endsWithinMs) signal(pid, 'SIGKILL')
    await sleep(50)
  }
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended in the meantime.
  }
}
