import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rename, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { realFiles, type SpoolFiles } from '../../../src/ledger/spool/files.js'
import { FaultyFiles } from './faulty-files.js'
import {
  database,
  event,
  FakeLog,
  filesIn,
  freshDir,
  leaveBehind,
  openLedger,
  removeDirs,
  until,
} from './support.js'

const idsOf = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

describe('a spool directory that others meddle with', function () {
  this.timeout(30_000)
  let dir: string
  beforeEach(async () => (dir = await freshDir()))
  after(removeDirs)

  const writers = async () => (await readdir(dir)).filter((name) => name.startsWith('w-'))

  const leave = (prefix: string, count: number) =>
    leaveBehind(
      dir,
      idsOf(prefix, count).map((id) => event(id)),
    )

  /** A ledger whose events stand on disk only, from the tenth on. */
  async function spilling() {
    const log = new FakeLog()
    log.isDown = true
    const ledger = openLedger(log, { dir }, { maxEvents: 10 })
    await ledger.takeOver(database)
    for (const id of idsOf('a', 20)) assert.ok(ledger.accept(event(id)))
    await ledger.durable()
    await sleep(300)
    return { log, ledger }
  }

  it('gives back what is only there also when it was taken from a process that lives', async () => {
    const { log, ledger } = await spilling()
    const [writer = ''] = await writers()
    await rename(join(dir, writer), join(dir, 'elsewhere'))
    for (const id of idsOf('b', 20)) assert.ok(ledger.accept(event(id)))
    await ledger.durable()
    await rm(join(dir, 'elsewhere'), { recursive: true })
    log.isDown = false
    await ledger.flush()
    assert.deepEqual([...log.events.keys()].sort(), [...idsOf('a', 20), ...idsOf('b', 20)].sort())
    assert.equal(ledger.stats().dropped, 0)
    await ledger.close()
  })

  it('has another one soon when it was taken from a process that lives', async () => {
    const log = new FakeLog()
    const ledger = openLedger(log, { dir, whenFull: 'refuse' })
    await ledger.takeOver(database)
    const [writer = ''] = await writers()
    await rename(join(dir, writer), join(dir, 'elsewhere'))
    await until(async () => (await writers()).length === 1, 8_000)
    log.isDown = true
    for (const id of idsOf('b', 20)) assert.ok(ledger.accept(event(id)))
    await ledger.durable()
    assert.equal(ledger.stats().durability, 'disk_interval')
    assert.ok((await filesIn(join(dir, writer))).some((name) => name.endsWith('.log')))
    log.isDown = false
    await ledger.flush()
    assert.equal(log.events.size, 20)
    assert.deepEqual([ledger.stats().dropped, ledger.stats().durability], [0, 'disk_interval'])
    await ledger.close()
    assert.deepEqual(await writers(), [])
  })

  it('gives back what is only there also when its files were deleted', async () => {
    const { log, ledger } = await spilling()
    const [writer = ''] = await writers()
    for (const name of await readdir(join(dir, writer))) {
      if (name.endsWith('.log')) await rm(join(dir, writer, name))
    }
    // Found out with the next sign of life: what comes then has a file again.
    await until(async () => (await filesIn(dir)).some((name) => name.endsWith('.log')))
    for (const id of idsOf('b', 20)) assert.ok(ledger.accept(event(id)))
    log.isDown = false
    await ledger.flush()
    assert.equal(log.events.size, 40)
    assert.equal(ledger.stats().dropped, 0)
    await ledger.close()
  })

  it('takes over later what it could not look at at once', async () => {
    await leave('e', 30)
    const faulty = new FaultyFiles()
    let fails = 1
    faulty.open = (path) =>
      path.endsWith('.log') && path.includes('adopted') && fails-- > 0 ? 'EMFILE' : undefined
    const log = new FakeLog()
    const ledger = openLedger(log, { dir }, { files: faulty.files })
    await ledger.takeOver(database)
    await until(() => log.events.size === 30)
    await ledger.close()
    assert.deepEqual(await filesIn(dir), [])
  })

  it('sends what others have left although one directory cannot be read', async () => {
    const bad = await leave('bad', 3)
    await leave('good', 3)
    const faulty = new FaultyFiles()
    let looks = 0
    faulty.open = (path) =>
      path.includes(`adopted/${bad}`) && path.endsWith('.log') && looks++ > 0 ? 'EIO' : undefined
    const log = new FakeLog()
    const ledger = openLedger(log, { dir }, { files: faulty.files })
    await ledger.takeOver(database)
    await until(() => log.events.size === 3)
    assert.deepEqual([...log.events.keys()].sort(), idsOf('good', 3))
    await ledger.close()
  })

  it('keeps what is taken over in the moment in which it is closed', async () => {
    await leave('e', 30)
    let looks = 0
    let isClosing = false
    const files: SpoolFiles = {
      ...realFiles,
      readdir: (async (path: string) => {
        if (path === dir && looks++ === 0) await sleep(100)
        return realFiles.readdir(path)
      }) as SpoolFiles['readdir'],
      rename: (async (from: string, to: string) => {
        while (to.includes('adopted') && !isClosing) await sleep(1)
        await realFiles.rename(from, to)
      }) as SpoolFiles['rename'],
    }
    const log = new FakeLog()
    const ledger = openLedger(log, { dir }, { files })
    void ledger.takeOver(database)
    await ledger.opened()
    const closed = ledger.close()
    setTimeout(() => (isClosing = true), 150)
    await closed
    await sleep(300)
    const next = new FakeLog()
    const successor = openLedger(next, { dir })
    await successor.takeOver(database)
    await until(() => new Set([...log.events.keys(), ...next.events.keys()]).size === 30)
    await successor.close()
  })

  it('takes what MongoDB refuses for good once it has room again', async () => {
    const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
    let isFull = true
    const appendFile = ((...args: Parameters<SpoolFiles['appendFile']>) =>
      isFull ? Promise.reject(full) : realFiles.appendFile(...args)) as SpoolFiles['appendFile']
    const log = new FakeLog()
    log.refuses = ({ _id }) => _id === 'bad'
    const ledger = openLedger(log, { dir }, { files: { ...realFiles, appendFile } })
    await ledger.takeOver(database)
    ledger.accept(event('bad'))
    await ledger.flush()
    assert.equal(ledger.stats().depth, 1)
    isFull = false
    ledger.accept(event('good'))
    await ledger.flush()
    assert.equal(ledger.stats().depth, 0)
    await ledger.close()
    const [name = ''] = await readdir(join(dir, 'dead-letters'))
    assert.match(await readFile(join(dir, 'dead-letters', name), 'utf8'), /"_id":"bad"/)
  })

  it('is left without drafts, whatever keeps one from being made', async () => {
    const full = () => Promise.reject(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }))
    for (let start = 0; start < 3; start++) {
      const files = { ...realFiles, writeFile: full } as SpoolFiles
      const ledger = openLedger(new FakeLog(), { dir }, { files })
      await ledger.opened()
      await ledger.close()
    }
    assert.deepEqual(await readdir(dir), [])
    // One that a killed process has left.
    await mkdir(join(dir, '.w-1-abc', 'adopted'), { recursive: true })
    const longAgo = new Date(Date.now() - 3_600_000)
    await utimes(join(dir, '.w-1-abc'), longAgo, longAgo)
    const ledger = openLedger(new FakeLog(), { dir })
    await ledger.takeOver(database)
    await ledger.close()
    assert.deepEqual(await readdir(dir), [])
  })
})
