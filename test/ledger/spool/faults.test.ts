import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SpoolConfig } from '../../../src/ledger/spool/spool-options.js'
import { FaultyFiles } from './faulty-files.js'
import {
  database,
  event,
  FakeLog,
  freshDir,
  openLedger,
  quiet,
  removeDirs,
  smallDisk,
  until,
} from './support.js'

describe('the spool on a disk that fails', () => {
  let log: FakeLog
  let faulty: FaultyFiles
  let dir: string
  let said: string[]
  beforeEach(async () => {
    log = new FakeLog()
    log.isDown = true
    faulty = new FaultyFiles()
    dir = await freshDir()
    said = []
  })
  after(removeDirs)

  const open = (config: Partial<SpoolConfig> = {}, more: { maxEvents?: number } = {}) => {
    const say = (message: string) => said.push(message)
    const logger = { ...quiet, warn: say, error: say }
    return openLedger(log, { dir, ...config }, { files: faulty.files, logger, ...more })
  }
  const accept = (ledger: ReturnType<typeof open>, count: number, name: string) => {
    let taken = 0
    for (let i = 0; i < count; i++) if (ledger.accept(event(`${name}${i}`))) taken += 1
    return taken
  }
  const successor = async () => {
    const found = new FakeLog()
    const ledger = openLedger(found, { dir })
    await ledger.takeOver(database)
    await until(() => ledger.depth === 0)
    await ledger.close()
    return found.events
  }

  for (const partial of [0, 5, 100]) {
    it(`writes to another segment what a write has failed for (${partial} bytes were)`, async () => {
      let fails = 1
      faulty.partial = partial
      faulty.write = () => (fails-- > 0 ? 'EIO' : undefined)
      const ledger = open()
      accept(ledger, 100, 'e')
      await ledger.durable()
      assert.equal(ledger.stats().durability, 'disk_interval')
      await ledger.close()
      assert.equal((await successor()).size, 100)
    })
  }

  it('writes again, elsewhere, everything that a failed sync was to cover', async () => {
    let failing = ''
    faulty.sync = (path) => {
      failing ||= path
      return path === failing ? 'EIO' : undefined
    }
    const ledger = open()
    accept(ledger, 50, 'a')
    await ledger.durable()
    accept(ledger, 50, 'b')
    await ledger.durable()
    await until(() => failing !== '')
    await sleep(50)
    // The kernel may have dropped every page of the file.
    await writeFile(failing, '')
    await ledger.close()
    assert.equal((await successor()).size, 100)
  })

  it('keeps what is on disk only through a failed sync', async () => {
    let fails = 1
    faulty.sync = () => (fails-- > 0 ? 'EIO' : undefined)
    const ledger = open()
    accept(ledger, 10_000, 'e')
    await until(() => fails <= 0)
    log.isDown = false
    await ledger.flush()
    assert.equal(log.events.size, 10_000)
    assert.equal(ledger.depth, 0)
    await ledger.close()
  })

  it('does not resolve `strict` before the sync, which is tried elsewhere when it fails', async () => {
    let fails = 1
    const synced: string[] = []
    faulty.sync = (path) => {
      if (fails-- > 0) return 'EIO'
      synced.push(path)
      return undefined
    }
    const ledger = open({ fsync: 'strict' })
    ledger.accept(event('e'))
    await ledger.durable()
    assert.equal(synced.length, 1)
    assert.equal(ledger.stats().durability, 'disk_strict')
    await ledger.close()
    assert.equal((await successor()).size, 1)
  })

  it('holds events in memory while the disk is full, says so, and spools them when it is not', async () => {
    faulty.write = () => 'ENOSPC'
    const ledger = open()
    assert.equal(accept(ledger, 5_000, 'e'), 5_000)
    await ledger.durable()
    assert.equal(ledger.stats().durability, 'memory')
    assert.equal(ledger.depth, 5_000)
    assert.match(said.join('\n'), /nothing is put on disk at the moment \(ENOSPC\)/)
    faulty.write = () => undefined
    await sleep(1_100)
    accept(ledger, 1, 'more')
    await until(() => ledger.stats().durability === 'disk_interval')
    await ledger.close()
    assert.equal(ledger.stats().dropped, 0)
    assert.equal((await successor()).size, 5_001)
  })

  it('drops the new, never the old, when the memory is full too', async () => {
    faulty.write = () => 'ENOSPC'
    const ledger = open({}, { maxEvents: 100 })
    accept(ledger, 1, 'first')
    await ledger.durable()
    assert.equal(accept(ledger, 150, 'e'), 99)
    assert.equal(ledger.stats().dropped, 51)
    log.isDown = false
    await ledger.flush()
    assert.ok(log.events.has('first0') && log.events.has('e98') && !log.events.has('e99'))
    await ledger.close()
  })

  it('refuses what the disk does not take, where the host wants it so', async () => {
    const ledger = open({ whenFull: 'refuse' })
    assert.equal(accept(ledger, 3, 'kept'), 3)
    await ledger.durable()
    faulty.write = () => 'EDQUOT'
    accept(ledger, 1, 'last')
    await ledger.durable()
    assert.equal(accept(ledger, 10, 'refused'), 0)
    assert.equal(ledger.stats().dropped, 10)
    log.isDown = false
    await ledger.flush()
    assert.equal(log.events.size, 4)
    await ledger.close()
  })

  it('stops at its limit of bytes, and goes on below it', async () => {
    const ledger = open({ maxBytes: 20_000 }, { maxEvents: 200 })
    for (let i = 0; i < 30; i++) {
      accept(ledger, 10, `e${i}-`)
      await ledger.durable()
    }
    const { bytes, durability, dropped, depth } = ledger.stats()
    assert.ok(bytes <= 20_000 && bytes > 15_000, String(bytes))
    assert.equal(durability, 'memory')
    assert.equal(depth + dropped, 300)
    assert.equal(depth, 200)
    log.isDown = false
    await ledger.flush()
    await until(() => ledger.stats().bytes === 0, 3_000)
    accept(ledger, 1, 'again')
    await ledger.durable()
    assert.equal(ledger.stats().durability, 'disk_interval')
    await ledger.flush()
    await ledger.close()
  })

  it('works in memory where it cannot have a directory', async () => {
    faulty.mkdir = () => 'EROFS'
    const ledger = open()
    assert.equal(accept(ledger, 10, 'e'), 10)
    await until(() => said.length > 0)
    assert.match(said.join('\n'), /held in memory only: .* cannot be used \(EROFS\)/)
    assert.equal(ledger.stats().durability, 'memory')
    log.isDown = false
    await ledger.flush()
    assert.equal(log.events.size, 10)
    await ledger.close()
  })

  it('works in memory below what is a file, and where root itself may not write', async () => {
    await writeFile(join(dir, 'file'), '')
    for (const place of [join(dir, 'file', 'spool'), '/proc/spool']) {
      const ledger = open({ dir: place })
      accept(ledger, 1, place)
      await until(() => ledger.stats().durability === 'memory' && said.length > 0)
      assert.equal(ledger.depth, 1)
      ledger.stop()
      await ledger.close()
      said.length = 0
    }
  })

  it('reads on when the disk gives again what it did not give', async () => {
    let fails = 2
    faulty.read = () => (fails-- > 0 ? 'EIO' : undefined)
    const ledger = open()
    accept(ledger, 6_000, 'e')
    log.isDown = false
    await ledger.flush()
    assert.equal(log.events.size, 6_000)
    await ledger.close()
  })

  for (const whenFull of ['memory', 'refuse'] as const) {
    it(`survives a disk of 1 MiB that is really full: ${whenFull}`, async () => {
      const disk = await smallDisk(dir)
      if (disk === undefined) return
      try {
        const ledger = open({ dir: disk.path, whenFull })
        let taken = 0
        for (let i = 0; i < 60; i++) {
          taken += accept(ledger, 100, `e${i}-`)
          await ledger.durable()
        }
        const { durability, depth, dropped } = ledger.stats()
        assert.match(said.join(), /nothing is put on disk at the moment \(ENOSPC\)/)
        assert.deepEqual([durability, depth, taken + dropped], ['memory', taken, 6_000])
        assert.ok(whenFull === 'memory' ? dropped === 0 : dropped > 1_000 && taken > 1_000)
        log.isDown = false
        await ledger.flush()
        assert.equal(log.events.size, taken)
        assert.ok(log.events.has('e0-0'))
        await ledger.close()
        assert.deepEqual(await readdir(disk.path), [])
      } finally {
        disk.unmount()
      }
    })
  }
})
