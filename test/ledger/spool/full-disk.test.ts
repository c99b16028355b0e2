import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
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

describe('a disk that a process has filled before it ended', () => {
  after(removeDirs)

  it('is emptied by the next one, although it has no room for anything', async () => {
    const disk = await smallDisk(await freshDir())
    if (disk === undefined) return
    const said: string[] = []
    const say = (message: string) => void said.push(message)
    const logger = { ...quiet, warn: say, error: say }
    const log = new FakeLog()
    log.isDown = true
    const open = () => openLedger(log, { dir: disk.path, fsync: 'strict' }, { logger })
    try {
      const ledger = open()
      await ledger.takeOver(database)
      for (let i = 0; ledger.stats().durability !== 'memory'; i++) {
        ledger.accept(event(`e${i}`))
        if (i % 100 === 99) await ledger.durable()
      }
      await ledger.close()
      // Something else takes whatever is left.
      await writeFile(join(disk.path, 'other'), Buffer.alloc(2 ** 20)).catch(() => undefined)
      said.length = 0
      log.isDown = false
      const heir = open()
      await heir.takeOver(database)
      await until(() => log.events.size > 1_000 && heir.depth === 0)
      assert.doesNotMatch(said.join(), /no spool/)
      assert.ok(log.events.size > 1_000)
      await heir.close()
      assert.deepEqual(await readdir(disk.path), ['other'])
    } finally {
      disk.unmount()
    }
  })
})
