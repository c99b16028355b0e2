import assert from 'node:assert/strict'
import { readdir, readFile, writeFile, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { realFiles, type SpoolFiles } from '../../../src/ledger/spool/files.js'
import type { Owner } from '../../../src/ledger/spool/owner.js'
import {
  database,
  deadPid,
  event,
  FakeLog,
  filesIn,
  freshDir,
  openLedger,
  removeDirs,
  segmentsIn,
  until,
} from './support.js'

interface Mortal {
  readonly files: SpoolFiles
  readonly isDead: () => boolean
  /** Closes what the dead has left open, as the system does. */
  readonly closeAll: () => Promise<void>
}

/** A file system whose process dies after so many calls: from then on none does anything, or returns. */
function mortal(calls: number): Mortal {
  let left = calls
  const opened: FileHandle[] = []
  let isBuried = false
  const lives = () => left-- > 0
  const never = () => new Promise<never>(() => undefined)
  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (inner, key) => {
        const value: unknown = Reflect.get(inner, key)
        if (typeof value !== 'function') return value
        return (...args: unknown[]): unknown => {
          if (!lives()) {
            if (key === 'writeNow') throw new Error('dead')
            return never()
          }
          const answer: unknown = Reflect.apply(value, inner, args)
          if (key !== 'open' || !(answer instanceof Promise)) return answer
          return answer.then((handle: FileHandle) => {
            opened.push(handle)
            if (isBuried) void handle.close()
            return wrap(handle)
          })
        }
      },
    })
  const closeAll = async () => {
    isBuried = true
    await Promise.all(opened.map((handle) => handle.close().catch(() => undefined)))
  }
  return { files: wrap({ ...realFiles }), isDead: () => left <= 0, closeAll }
}

/** What is accepted, written, stored, and deleted in a short life; answers what was certain of it. */
async function live(dir: string, log: FakeLog, files: SpoolFiles): Promise<string[]> {
  const certain: string[] = []
  const ledger = openLedger(log, { dir }, { files, lingerMs: 1 })
  await ledger.takeOver(database)
  for (let round = 0; round < 3; round++) {
    log.isDown = round === 1
    const ids = [0, 1, 2].map((n) => `e${round}-${n}`)
    for (const id of ids) ledger.accept(event(id))
    await ledger.durable()
    certain.push(...ids)
    await sleep(5)
  }
  log.isDown = false
  await ledger.flush()
  await ledger.close()
  return certain
}

describe('a process that dies between two calls of the file system', function () {
  this.timeout(60_000)
  after(removeDirs)

  it('leaves everything that was certain to the next one, whichever calls they are', async () => {
    let hasLived = false
    let points = 0
    for (let calls = 1; !hasLived; calls += 1) {
      const dir = await freshDir()
      const log = new FakeLog()
      const { files, isDead, closeAll } = mortal(calls)
      const certain: string[] = []
      const life = live(dir, log, files).then((all) => certain.push(...all))
      await Promise.race([life, until(isDead).then(() => sleep(15))])
      hasLived = !isDead()
      points += 1
      const before = new Set(log.events.keys())
      await closeAll()
      await bury(dir)
      log.isDown = false
      const ledger = openLedger(log, { dir })
      await ledger.takeOver(database)
      await until(async () => (await segmentsIn(dir)).length === 0)
      await ledger.close()
      for (const id of [...certain, ...before]) assert.ok(log.events.has(id), `${id} at ${calls}`)
      assert.equal(ledger.stats().damaged, 0)
      const rest = (await filesIn(dir)).filter((name) => !name.startsWith('.'))
      assert.deepEqual(rest, [], `at ${calls}`)
    }
    assert.ok(points > 20, `only ${points} points`)
  })
})

/** Whoever was here is dead. */
async function bury(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    const path = join(dir, name, 'owner.json')
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (text === undefined) continue
    const owner = JSON.parse(text) as Owner
    await writeFile(path, JSON.stringify({ ...owner, pid: deadPid }))
  }
}
