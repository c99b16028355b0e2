import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ledger } from '../../src/ledger/ledger.js'
import {
  database,
  event,
  FakeLog,
  filesIn,
  freshDir,
  leaveBehind,
  openLedger,
  removeDirs,
  segmentsIn,
  until,
} from '../ledger/spool/support.js'

describe('a person in what was damaged on disk', function () {
  this.timeout(30_000)
  let dir: string
  let ledger: Ledger
  before(async () => {
    dir = await freshDir()
    await leaveBehind(
      dir,
      ['alice', 'bob', 'carol'].map((user_id) => event(user_id, { user_id })),
    )
    await damage()
    const log = new FakeLog()
    ledger = openLedger(log, { dir })
    await ledger.takeOver(database)
    await until(async () => log.events.size === 1 && (await quarantined()).length > 0)
  })
  after(async () => {
    await ledger.close()
    await removeDirs()
  })

  /** Flips a bit in the checksums of the first two events. */
  async function damage(): Promise<void> {
    const [segment = ''] = await segmentsIn(dir)
    const bytes = await readFile(join(dir, segment))
    for (const name of ['"_id":"alice"', '"_id":"bob"']) {
      const at = bytes.lastIndexOf('AU', bytes.indexOf(name)) + 3
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
    }
    await writeFile(join(dir, segment), bytes)
  }
  const quarantined = async () => {
    const names = (await filesIn(dir)).filter((name) => name.startsWith('quarantine'))
    return Promise.all(names.map((name) => readFile(join(dir, name), 'latin1')))
  }

  it('is blanked there when they are erased, and others are kept', async () => {
    const before = (await quarantined()).join('')
    assert.ok(before.includes('"alice"') && before.includes('"bob"'))
    const rewriting = { userIds: ['alice'], change: () => undefined }
    assert.deepEqual(await ledger.rewriteAside(rewriting), [])
    const kept = (await quarantined()).join('')
    assert.ok(!kept.includes('alice') && kept.includes('"bob"'), kept)
    assert.equal(kept.length, before.length)
  })
})
