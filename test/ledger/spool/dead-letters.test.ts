import assert from 'node:assert/strict'
import { appendFile, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../../src/clock.js'
import { ledgerDoor } from '../../../src/ledger/door.js'
import { createStore } from '../../../src/store/store.js'
import { freshDatabase, type FreshDatabase } from '../../helpers/mongo.js'
import { run } from '../../scripts/support.js'
import { event, freshDir, openLedger, removeDirs } from './support.js'

describe('events that MongoDB refuses for good', function () {
  this.timeout(60_000)
  let database: FreshDatabase
  let dir: string
  before(async () => {
    dir = await freshDir()
    database = await freshDatabase()
    const store = createStore(database.connection, systemClock)
    await store.prepare()
    await validate({ user_id: { $ne: 'refused' } })
    const ledger = openLedger(ledgerDoor(store), { dir })
    for (let i = 0; i < 30; i++) {
      ledger.accept(event(`v${i}`, { user_id: i % 10 === 0 ? 'refused' : 'alice' }))
    }
    await ledger.flush()
    assert.equal(ledger.stats().refused, 3)
    await ledger.close()
  })
  after(async () => {
    await database.drop()
    await removeDirs()
  })

  const validate = (validator: object) =>
    database.connection.db?.command({ collMod: 'usage_logs', validator })
  const stored = () => database.connection.collection('usage_logs').countDocuments()
  const spool = (...args: string[]) =>
    run('spool', [...args, '--dir', dir], { MONGODB_URI: database.uri })

  it('are put aside one by one, and the others stored', async () => {
    assert.equal(await stored(), 27)
    assert.deepEqual(await readdir(dir), ['dead-letters'])
    const [name = ''] = await readdir(join(dir, 'dead-letters'))
    const path = join(dir, 'dead-letters', name)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    const letters = (await readFile(path, 'utf8')).trim().split('\n')
    const ids = letters.map((line) => (JSON.parse(line) as { event: { _id: string } }).event._id)
    assert.deepEqual(ids, ['v0', 'v10', 'v20'])
  })

  it('are listed and shown', async () => {
    assert.match((await spool('list')).stdout, /^3 events put aside as refused$/m)
    const { stdout, stderr } = await spool('inspect', '--limit', '2')
    assert.equal(stdout.trim().split('\n').length, 2)
    assert.match(stdout, /"code":"document_validation".*"_id":"v0"/)
    assert.match(stderr, /1 more/)
  })

  it('are not said to be none where the directory is not there', async () => {
    for (const action of ['list', 'inspect', 'retry']) {
      const { code, stdout, stderr } = await run('spool', [action, '--dir', `${dir}-of-nobody`])
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, /^--dir cannot be read: .*no such file/)
    }
    const { code, stderr } = await spool('inspect', '--limit', 'all')
    assert.equal(code, 1)
    assert.match(stderr, /^--limit must be a whole number/)
  })

  it('stay while they are refused, and are stored once they are not', async () => {
    const again = await spool('retry')
    assert.match(again.stdout, /0 stored, 0 were stored already, 3 refused again/)
    assert.equal(again.code, 1)
    await validate({})
    const { stdout, code } = await spool('retry')
    assert.match(stdout, /3 stored, 0 were stored already, 0 refused again/)
    assert.equal(code, 0)
    assert.equal(await stored(), 30)
    assert.match((await spool('retry')).stdout, /Nothing was put aside/)
  })

  it('keep lines that cannot be read when they are sent again', async () => {
    const path = join(dir, 'dead-letters', 'w-1-a.jsonl')
    await appendFile(path, '{"code":"c","at":"2026-06-20T12:0')
    const { stdout, code } = await spool('retry')
    assert.match(stdout, /0 stored, 0 were stored already, 0 refused again/)
    assert.equal(code, 0)
    const [name = ''] = await readdir(join(dir, 'dead-letters'))
    const kept = await readFile(join(dir, 'dead-letters', name), 'utf8')
    assert.equal(kept, '{"code":"c","at":"2026-06-20T12:0\n')
    await rm(join(dir, 'dead-letters', name))
  })

  it('are not touched by a command that is not understood', async () => {
    const { code, stderr } = await spool('drop')
    assert.equal(code, 1)
    assert.match(stderr, /Usage: npm run spool/)
  })
})
