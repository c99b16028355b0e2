import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LedgerOptions } from '../../../src/ledger/ledger.js'
import { writeFrame, type FrameKind } from '../../../src/ledger/spool/frame.js'
import { segmentName } from '../../../src/ledger/spool/segments.js'
import type { SpoolConfig } from '../../../src/ledger/spool/spool-options.js'
import { FaultyFiles } from './faulty-files.js'
import {
  database,
  deadPid,
  event,
  FakeLog,
  filesIn,
  freshDir,
  leaveBehind,
  openLedger,
  quiet,
  removeDirs,
  until,
} from './support.js'

describe('a spool directory that comes and goes', function () {
  this.timeout(30_000)
  let dir: string
  let log: FakeLog
  let faulty: FaultyFiles
  let said: string[]
  beforeEach(async () => {
    dir = await freshDir()
    log = new FakeLog()
    log.isDown = true
    faulty = new FaultyFiles()
    said = []
  })
  after(removeDirs)

  const open = (config: Partial<SpoolConfig> = {}, more: Partial<LedgerOptions> = {}) => {
    const say = (message: string) => void said.push(message)
    const logger = { ...quiet, info: say, warn: say, error: say }
    return openLedger(log, { dir, ...config }, { files: faulty.files, logger, ...more })
  }
  const accept = (ledger: ReturnType<typeof open>, count: number, name: string) => {
    for (let i = 0; i < count; i++) assert.ok(ledger.accept(event(`${name}${i}`)))
  }
  /** What the next process finds on disk. */
  const successor = async (root = dir) => {
    const found = new FakeLog()
    const ledger = openLedger(found, { dir: root })
    await ledger.takeOver(database)
    await until(() => ledger.depth === 0)
    await ledger.close()
    return found.events
  }

  it('is used as soon as there is one, also for what came before, and what others left', async () => {
    await leaveBehind(dir, [event('left')])
    let tries = 0
    faulty.mkdir = () => {
      tries += 1
      return 'ENOSPC'
    }
    const ledger = open()
    await ledger.takeOver(database)
    accept(ledger, 10, 'e')
    assert.equal(ledger.stats().durability, 'memory')
    assert.equal(
      ledger.begin('early', () => assert.fail()),
      undefined,
    )
    await until(() => tries > 1, 10_000)
    assert.equal(said.filter((line) => line.includes('no spool')).length, 1)
    faulty.mkdir = () => undefined
    await until(() => ledger.stats().durability === 'disk_interval', 10_000)
    const facts = { user_id: 'ann', tier: 'free', endpoint: '/ai/chat', operation_type: 'chat' }
    ledger.begin('begun', () => ({ _id: 'begun', ...facts, timestamp: new Date() }))
    await ledger.noteBegun()
    await until(() => ledger.depth === 11)
    assert.match(said.join('\n'), /cannot be used \(ENOSPC\)[^]* can be used/)
    assert.equal(await ledger.close(), 0)
    const found = await successor()
    assert.equal(found.size, 12)
    assert.equal(found.get('begun')?.error_type, 'process_died')
  })

  it('is written anew where somebody has removed it, with all that is in memory', async () => {
    const ledger = open()
    await ledger.takeOver(database)
    accept(ledger, 100, 'a')
    await ledger.durable()
    // Most of a segment is acknowledged by nobody: it stays, and another one is begun.
    await until(() => ledger.stats().bytes > 0)
    await rm(dir, { recursive: true })
    accept(ledger, 100, 'b')
    await until(async () => (await readdir(dir).catch(() => [])).length > 0, 10_000)
    assert.match(said.join('\n'), /has been removed while in use/)
    await ledger.durable()
    await until(() => ledger.stats().durability === 'disk_interval')
    assert.equal(await ledger.close(), 0)
    assert.equal((await successor()).size, 200)
  })

  it('is ours again where it was away with its disk, and holds all that is in memory', async () => {
    const [disk, away] = [join(dir, 'disk'), join(dir, 'away')]
    const root = join(disk, 'spool')
    await mkdir(disk)
    log.isDown = false
    const ledger = open({ dir: root })
    await ledger.takeOver(database)
    accept(ledger, 50, 'done')
    await ledger.flush()
    log.isDown = true
    accept(ledger, 20, 'waits')
    // Most of the first file is acknowledged: another one is begun.
    await until(async () => (await filesIn(root)).some((name) => name.includes('000002')), 10_000)
    faulty.mkdir = () => 'EACCES'
    await rename(disk, away)
    await until(() => ledger.stats().durability === 'memory', 10_000)
    faulty.mkdir = () => undefined
    await rename(away, disk)
    await until(() => ledger.stats().durability === 'disk_interval', 10_000)
    await ledger.durable()
    const owners = (await filesIn(root)).filter((name) => name.endsWith('owner.json'))
    for (const name of owners)
      assert.match(await readFile(join(root, name), 'utf8'), /"database":"the-database"/)
    assert.equal(await ledger.close(), 0)
    const found = await successor(root)
    assert.equal([...found.keys()].filter((id) => id.startsWith('waits')).length, 20)
  })

  it('that was removed just before the end is made again for what is in memory', async () => {
    const ledger = open()
    await ledger.takeOver(database)
    accept(ledger, 20, 'e')
    await ledger.durable()
    await rm(dir, { recursive: true })
    assert.equal(await ledger.close(), 0)
    assert.equal((await successor()).size, 20)
  })

  it('that was removed, and cannot be made again, is no place where events are left', async () => {
    const ledger = open()
    await ledger.takeOver(database)
    accept(ledger, 20, 'e')
    await ledger.durable()
    faulty.mkdir = () => 'EACCES'
    await rm(dir, { recursive: true })
    assert.equal(await ledger.close(), 20)
    assert.deepEqual([ledger.depth, ledger.stats().dropped], [0, 20])
  })

  it('takes with it what was nowhere else, which is told at the end', async () => {
    const ledger = open({}, { maxEvents: 10 })
    await ledger.takeOver(database)
    accept(ledger, 100, 'e')
    await ledger.durable()
    await until(() => ledger.stats().in_memory <= 10)
    await rm(dir, { recursive: true })
    await until(async () => (await readdir(dir).catch(() => [])).length > 0, 10_000)
    await ledger.durable()
    const lost = await ledger.close()
    assert.equal(lost, ledger.stats().dropped)
    assert.equal((await successor()).size, 100 - lost)
  })

  it('is not missed by what is just being written', async () => {
    faulty.mkdir = () => 'EROFS'
    log.isDown = false
    const ledger = open()
    const append = log.append.bind(log)
    log.append = async (events) => {
      await sleep(300)
      return append(events)
    }
    accept(ledger, 10, 'e')
    await sleep(50)
    assert.equal(await ledger.close(), 0)
    assert.deepEqual([log.events.size, ledger.stats().dropped], [10, 0])
  })

  it('says at the end what nobody has taken', async () => {
    faulty.mkdir = () => 'EROFS'
    const ledger = open()
    accept(ledger, 7, 'e')
    await ledger.durable()
    ledger.stop()
    assert.equal(await ledger.close(), 7)
    assert.equal(ledger.depth, 0)
    assert.equal(ledger.stats().dropped, 7)
    assert.match(said.at(-1) ?? '', /7 events are lost/)
  })

  it('is read in the order of its segments, beyond the millionth too', async () => {
    const left = join(dir, 'w-1-000000000000')
    await mkdir(join(left, 'adopted'), { recursive: true })
    const owner = { pid: deadPid, host: 'elsewhere', isReleased: true }
    await writeFile(join(left, 'owner.json'), JSON.stringify(owner))
    const put = async (number: number, kind: FrameKind, payload: object) => {
      const bytes = Buffer.alloc(1_000)
      const to = writeFrame(bytes, 0, kind, JSON.stringify(payload))
      await writeFile(join(left, segmentName(number, Date.now())), bytes.subarray(0, to))
    }
    const { _id, user_id, tier, endpoint, operation_type, timestamp } = event('cancelled')
    await put(999_999, 'start', { _id, user_id, tier, endpoint, operation_type, timestamp })
    await put(1_000_000, 'cancel', { _id })
    await put(1_000_001, 'event', event('kept'))
    assert.deepEqual([...(await successor()).keys()], ['kept'])
  })
})
