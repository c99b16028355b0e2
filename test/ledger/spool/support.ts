import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../../src/clock.js'
import type { UnrecordedEvent, UsageEvent } from '../../../src/event.js'
import { Ledger, type LedgerOptions } from '../../../src/ledger/ledger.js'
import type { Owner } from '../../../src/ledger/spool/owner.js'
import type { SpoolConfig } from '../../../src/ledger/spool/spool-options.js'
import type { LedgerDoor } from '../../../src/ledger/writer.js'
import { quiet } from '../../helpers/quiet.js'
import { until as soon } from '../../helpers/until.js'

export { event } from '../../helpers/events.js'
export { quiet }

/** A pid that was one until just now. */
export const deadPid = spawnSync(process.execPath, ['-e', '']).pid

/** What MongoDB would do, in memory: each id once, and nothing while it is down. */
export class FakeLog implements LedgerDoor {
  readonly events = new Map<string, UsageEvent>()
  /** How often each id came. */
  readonly sends = new Map<string, number>()
  isDown = false
  refuses: (event: UsageEvent) => boolean = () => false

  serverNow(): Promise<Date> {
    return Promise.resolve(new Date())
  }

  async append(events: readonly UsageEvent[]) {
    await sleep(1)
    if (this.isDown) return { outcome: 'retry' as const, reason: 'down' }
    const duplicates: string[] = []
    const refused: { index: number; code: string }[] = []
    events.forEach((one, index) => {
      this.sends.set(one._id, (this.sends.get(one._id) ?? 0) + 1)
      if (this.refuses(one)) refused.push({ index, code: 'document_validation' })
      else if (this.events.has(one._id)) duplicates.push(one._id)
      else this.events.set(one._id, structuredClone(one))
    })
    return { outcome: 'settled' as const, duplicates, refused }
  }

  restamp = () => Promise.resolve()
  meetAgain = () => Promise.resolve()
  sighted = () => Promise.resolve()
  horizon = () => Promise.resolve(new Date(0))
  withdraw = () => Promise.resolve()
}

const made: string[] = []

/** A directory that is removed by `removeDirs`. */
export async function freshDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'spool-test-'))
  made.push(dir)
  return dir
}

export async function removeDirs(): Promise<void> {
  for (const dir of made.splice(0)) await rm(dir, { recursive: true, force: true })
}

/** A tmpfs of 1 MiB in a directory, and how it goes again; undefined where mounting is not allowed. */
export async function smallDisk(dir: string) {
  const path = join(dir, 'small')
  try {
    await mkdir(path)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path], { stdio: 'pipe' })
  } catch {
    console.log('      (not tried: mounting is not allowed here)')
    return undefined
  }
  return { path, unmount: () => void execFileSync('umount', [path]) }
}

export const database = () => Promise.resolve('the-database')

export function openLedger(
  door: LedgerDoor,
  spool: Partial<SpoolConfig>,
  more: Partial<LedgerOptions> = {},
): Ledger {
  return new Ledger({
    door,
    clock: systemClock,
    logger: quiet,
    maxEvents: 100_000,
    batchSize: 500,
    lingerMs: 5,
    spool: { fsync: 'interval', maxBytes: 1024 ** 3, whenFull: 'memory', ...spool },
    onWritten: () => undefined,
    ...more,
  })
}

/** Writes down whose a directory is, as if that process had not ended in order. */
export async function setOwner(dir: string, writer: string, owner: Partial<Owner>): Promise<void> {
  const path = join(dir, writer, 'owner.json')
  const known = JSON.parse(await readFile(path, 'utf8')) as Owner
  await writeFile(path, JSON.stringify({ ...known, isReleased: false, ...owner }))
}

/** Leaves events behind, as if the process had been killed; answers the name of its directory. */
export async function leaveBehind(
  dir: string,
  events: readonly UnrecordedEvent[],
  owner: Partial<Owner> = { pid: deadPid },
): Promise<string> {
  const log = new FakeLog()
  log.isDown = true
  const writers = async () => (await readdir(dir)).filter((name) => name.startsWith('w-'))
  const before = await writers()
  const ledger = openLedger(log, { dir })
  await ledger.takeOver(database)
  const left = (await writers()).find((name) => !before.includes(name)) ?? assert.fail()
  for (const one of events) ledger.accept(one)
  await ledger.close()
  await setOwner(dir, left, owner)
  return left
}

/**
 * All files below a directory, by relative path. Directories move while they are taken over, and a
 * single look can miss what is in them: two looks in a row must have seen the same.
 */
export async function filesIn(dir: string): Promise<string[]> {
  let found = await filesSeen(dir)
  for (;;) {
    const again = await filesSeen(dir)
    if (again.join() === found.join()) return found
    found = again
  }
}

async function filesSeen(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
  const found = entries.map(async (entry) => {
    if (entry.isFile()) return [entry.name]
    const inner = await filesSeen(join(dir, entry.name))
    return inner.map((name) => join(entry.name, name))
  })
  return (await Promise.all(found)).flat().sort()
}

/** Those that hold something: each process has one that waits to be written to. */
export async function segmentsIn(dir: string): Promise<string[]> {
  for (;;) {
    const names = (await filesIn(dir)).filter((name) => name.endsWith('.log'))
    const sizes = await Promise.all(
      names.map((name) =>
        stat(join(dir, name)).then(
          ({ size }) => size,
          () => undefined,
        ),
      ),
    )
    if (!sizes.includes(undefined)) return names.filter((_, index) => sizes[index] !== 0)
  }
}

/** Waits longer than others do: what is on disk is looked at every few seconds. */
export function until(holds: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  return soon(holds, withinMs)
}
