import { readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { SpoolFiles } from './files.js'

/** Which process a directory belongs to: what stands in its `owner.json`. */
export interface Owner {
  readonly pid: number
  /** When the process was started, in its system's own count; undefined where that is not told. */
  readonly started?: string | undefined
  readonly host: string
  /** Which start of which machine, and which container: elsewhere the pid says nothing. */
  readonly place?: string | undefined
  /** The database whose events these are, once it is known. */
  readonly database?: string | undefined
  /** Closed in order, with something left for others. */
  readonly isReleased?: boolean | undefined
}

/** A silent process on another machine is dead after this, ms; it makes itself heard every 5 s. */
const silentMs = 30_000
/** Or sooner, when its last sign is so old already: it would have made itself heard twice, ms. */
const longAgoMs = 10 * 60_000
const briefSilenceMs = 12_000

/** This process, as an owner. */
export async function thisProcess(files: SpoolFiles): Promise<Owner> {
  const boot = await files
    .readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    .catch(() => undefined)
  const namespace = await readlink('/proc/self/ns/pid').catch(() => undefined)
  return {
    pid: process.pid,
    started: (await processState(files, process.pid))?.started,
    host: hostname(),
    place: boot === undefined ? undefined : `${boot.trim()} ${namespace ?? ''}`,
  }
}

/** Reads an owner file; undefined where it is damaged. */
export function parseOwner(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Partial<Owner> | null
    return typeof owner?.pid === 'number' && typeof owner.host === 'string'
      ? (owner as Owner)
      : undefined
  } catch {
    return undefined
  }
}

/** Last sign of life of a directory's process, as seen from here. */
export interface Signs {
  /** How long it has given none while we watched, ms. */
  readonly silentMs: number
  /** How old the last is by our wall clock, ms. */
  readonly ageMs: number
}

/**
 * Whether the process is gone for certain, so that its directory may be taken. On this machine the
 * pid and its start time tell; of another machine only that nothing has been heard.
 */
export async function isDead(
  files: SpoolFiles,
  owner: Owner | undefined,
  me: Owner,
  signs: Signs,
): Promise<boolean> {
  const isOld = signs.ageMs >= longAgoMs
  const isSilent = signs.silentMs >= (isOld ? briefSilenceMs : silentMs)
  if (owner === undefined) return isSilent
  if (owner.isReleased) return true
  if (owner.host !== me.host || owner.place !== me.place) return isSilent
  if (!isRunning(owner.pid)) return true
  const state = await processState(files, owner.pid)
  // Without /proc a pid may be somebody else's by now.
  if (state === undefined || owner.started === undefined) return owner.pid !== me.pid && isSilent
  return state.isZombie || state.started !== owner.started
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** What Linux tells of a process: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
async function processState(files: SpoolFiles, pid: number) {
  const stat = await files.readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // The name in brackets may hold anything, brackets and spaces too.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  const started = fields?.[19]
  if (fields === undefined || started === undefined) return undefined
  return { started, isZombie: fields[0] === 'Z' || fields[0] === 'X' }
}
