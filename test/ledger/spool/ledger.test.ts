import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  database,
  event,
  FakeLog,
  filesIn,
  freshDir,
  openLedger,
  removeDirs,
  segmentsIn,
  until,
} from './support.js'

describe('the ledger with a spool', () => {
  let log: FakeLog
  let dir: string
  beforeEach(async () => {
    log = new FakeLog()
    dir = await freshDir()
  })
  after(removeDirs)

  const accept = (ledger: ReturnType<typeof openLedger>, count: number, name = 'e') => {
    for (let i = 0; i < count; i++) assert.ok(ledger.accept(event(`${name}${i}`)))
  }

  for (const fsync of ['interval', 'strict', 'off'] as const) {
    it(`leaves nothing behind when all is written (fsync ${fsync})`, async () => {
      const ledger = openLedger(log, { dir, fsync })
      accept(ledger, 1234)
      await ledger.durable()
      assert.equal(ledger.stats().durability, fsync === 'off' ? 'disk' : `disk_${fsync}`)
      await ledger.flush()
      assert.equal(log.events.size, 1234)
      assert.equal(ledger.depth, 0)
      await ledger.close()
      assert.deepEqual(await filesIn(dir), [])
    })
  }

  it('puts events on disk, readable by nobody else, before MongoDB has them', async () => {
    log.isDown = true
    const ledger = openLedger(log, { dir })
    accept(ledger, 10)
    await ledger.durable()
    const [segment = ''] = await segmentsIn(dir)
    const path = join(dir, segment)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.equal((await stat(join(path, '..'))).mode & 0o777, 0o700)
    assert.ok(ledger.stats().bytes > 10 * 100)
    await ledger.close()
  })

  it('leaves what MongoDB does not have, and the next one sends it', async () => {
    log.isDown = true
    const first = openLedger(log, { dir })
    accept(first, 6_000)
    await first.close()
    assert.equal(first.depth, 6_000)
    log.isDown = false
    const second = openLedger(log, { dir })
    await second.takeOver(database)
    await until(() => second.depth === 0 && log.events.size === 6_000)
    await second.close()
    assert.deepEqual(await filesIn(dir), [])
    assert.ok([...log.sends.values()].every((count) => count === 1))
  })

  it('holds a few thousand in memory while MongoDB is away, the rest on disk', async () => {
    log.isDown = true
    const ledger = openLedger(log, { dir })
    for (let i = 0; i < 20; i++) {
      accept(ledger, 1_000, `e${i}-`)
      await sleep(2)
    }
    const { in_memory, depth } = ledger.stats()
    assert.equal(depth, 20_000)
    assert.ok(in_memory <= 4_500, String(in_memory))
    log.isDown = false
    await ledger.flush()
    assert.equal(log.events.size, 20_000)
    assert.equal(ledger.depth, 0)
    assert.ok([...log.sends.values()].every((count) => count === 1))
    await ledger.close()
    assert.deepEqual(await filesIn(dir), [])
  })

  it('shows fresh events at once while the backlog drains', async () => {
    log.isDown = true
    const ledger = openLedger(log, { dir }, { batchSize: 50 })
    for (let i = 0; i < 60; i++) {
      accept(ledger, 500, `old${i}-`)
      await sleep(1)
    }
    log.isDown = false
    await until(() => log.events.size >= 5_000)
    ledger.accept(event('fresh'))
    await until(() => log.events.has('fresh'), 1_000)
    assert.ok(ledger.depth > 10_000, String(ledger.depth))
    await ledger.flush()
    assert.equal(log.events.size, 30_001)
    await ledger.close()
  })

  it('drains in small batches beside live events, and in large ones without', async () => {
    log.isDown = true
    const first = openLedger(log, { dir })
    accept(first, 60_000)
    await first.close()
    log.isDown = false
    const sizes: number[] = []
    const append = log.append.bind(log)
    log.append = (events) => {
      if (events.some(({ _id }) => !_id.startsWith('live'))) sizes.push(events.length)
      return append(events)
    }
    const second = openLedger(log, { dir })
    const live = setInterval(() => accept(second, 2, `live${performance.now()}-`), 5)
    await sleep(600)
    await second.takeOver(database)
    await until(() => sizes.length > 20)
    clearInterval(live)
    assert.ok(
      sizes.slice(5, 20).every((size) => size <= 100),
      String(sizes),
    )
    await until(() => second.depth === 0)
    assert.ok(sizes.includes(500), String(sizes))
    await second.close()
    assert.ok([...log.sends.values()].every((count) => count === 1))
  })

  it('deletes a segment soon after it is acknowledged', async () => {
    const ledger = openLedger(log, { dir })
    accept(ledger, 100)
    await ledger.flush()
    await until(async () => (await segmentsIn(dir)).length === 0, 3_000)
    await ledger.close()
  })

  it('resolves flush for what is on disk only, and not before', async () => {
    log.isDown = true
    const ledger = openLedger(log, { dir })
    accept(ledger, 5_000)
    const flushed = ledger.flush()
    const early = await Promise.race([flushed.then(() => true), sleep(300, false)])
    assert.equal(early, false)
    log.isDown = false
    await flushed
    assert.equal(log.events.size, 5_000)
    await ledger.close()
  })

  it('keeps events that cannot be written as JSON in memory', async () => {
    const circular: Record<string, unknown> = {}
    circular.self = circular
    log.isDown = true
    const ledger = openLedger(log, { dir })
    ledger.accept(event('odd', { metadata: circular as never }))
    assert.equal(ledger.depth, 1)
    log.isDown = false
    await ledger.flush()
    assert.ok(log.events.has('odd'))
    await ledger.close()
  })
})
