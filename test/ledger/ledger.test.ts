import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../src/clock.js'
import { ledgerDoor } from '../../src/ledger/door.js'
import { Ledger, type LedgerOptions } from '../../src/ledger/ledger.js'
import type { LedgerDoor } from '../../src/ledger/writer.js'
import { createStore } from '../../src/store/store.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { event } from '../helpers/events.js'
import { quiet as logger } from '../helpers/quiet.js'

describe('the ledger', () => {
  let database: FreshDatabase
  let real: LedgerDoor
  before(async () => {
    database = await freshDatabase()
    const store = createStore(database.connection, systemClock)
    await store.prepare()
    real = ledgerDoor(store)
  })
  afterEach(() => database.connection.collection('usage_logs').deleteMany())
  after(() => database.drop())

  const open = (more: Partial<LedgerOptions> = {}) =>
    new Ledger({
      door: real,
      clock: systemClock,
      logger,
      maxEvents: 10_000,
      batchSize: 100,
      lingerMs: 10,
      onWritten: () => undefined,
      ...more,
    })
  const stored = () => database.connection.collection('usage_logs').countDocuments()

  it('writes every accepted event once, in batches', async () => {
    const ledger = open()
    for (let i = 0; i < 1234; i++) ledger.accept(event(`e${i}`))
    await ledger.flush()
    assert.equal(await stored(), 1234)
    assert.equal(ledger.depth, 0)
    assert.equal(ledger.stats().stored, 1234)
  })

  it('writes without being flushed', async () => {
    const written = new Promise<void>((resolve) => {
      open({ onWritten: () => resolve() }).accept(event('alone'))
    })
    await written
    assert.equal(await stored(), 1)
  })

  it('lets what comes while a batch is written gather, too', async () => {
    const sizes: number[] = []
    const taking20Ms: LedgerDoor = {
      ...real,
      append: async (events) => {
        sizes.push(events.length)
        await sleep(20)
        return { outcome: 'settled', duplicates: [], refused: [] }
      },
    }
    const ledger = open({ lingerMs: 100, door: taking20Ms })
    const began = performance.now()
    for (let i = 0; i < 60; i++) {
      ledger.accept(event(`g${i}`))
      await sleep(5)
    }
    const gathered = Math.ceil((performance.now() - began) / 100)
    await ledger.flush()
    assert.equal(
      sizes.reduce((sum, size) => sum + size),
      60,
    )
    assert.ok(sizes.length <= gathered + 1, `batches of ${sizes.join(', ')}`)
  })

  it('waits for nobody when it is to be through', async () => {
    const ledger = open({ lingerMs: 60_000 })
    for (let i = 0; i < 250; i++) ledger.accept(event(`f${i}`))
    const began = performance.now()
    await ledger.flush()
    assert.equal(await stored(), 250)
    assert.ok(performance.now() - began < 5_000)
  })

  it('counts an event that comes again as a duplicate and keeps the first', async () => {
    const ledger = open()
    ledger.accept(event('same', { tokens_used: 3 }))
    await ledger.flush()
    ledger.accept(event('same', { tokens_used: 99 }))
    ledger.accept(event('other'))
    await ledger.flush()
    assert.equal(await stored(), 2)
    assert.equal(ledger.stats().duplicates, 1)
    const kept = await database.connection.collection('usage_logs').findOne({ user_id: 'alice' })
    assert.equal(kept?.tokens_used, 3)
  })

  it('tries again until the store answers, and applies nothing twice', async () => {
    let failures = 5
    const flaky: LedgerDoor = {
      ...real,
      append: async (events) => {
        const outcome = await real.append(events)
        return failures-- > 0 ? { outcome: 'retry', reason: 'acknowledgement lost' } : outcome
      },
    }
    const ledger = open({ door: flaky })
    for (let i = 0; i < 50; i++) ledger.accept(event(`r${i}`))
    await ledger.flush()
    assert.equal(await stored(), 50)
    assert.ok(ledger.stats().retries >= 5)
  })

  it('finds the events that cannot be sent and stores the others', async () => {
    const circular: Record<string, unknown> = {}
    circular.self = circular
    const ledger = open()
    for (let i = 0; i < 40; i++) {
      const bad = i % 13 === 5
      ledger.accept(event(`b${i}`, bad ? { metadata: circular as never } : {}))
    }
    await ledger.flush()
    assert.equal(await stored(), 37)
    assert.equal(ledger.stats().refused, 3)
    assert.equal(ledger.depth, 0)
  })

  it('keeps going when MongoDB refuses single documents', async () => {
    const validate = (validator: object) =>
      database.connection.db?.command({ collMod: 'usage_logs', validator })
    await validate({ user_id: { $ne: 'refused' } })
    const ledger = open()
    for (let i = 0; i < 30; i++) {
      ledger.accept(event(`v${i}`, { user_id: i % 10 === 0 ? 'refused' : 'alice' }))
    }
    await ledger.flush()
    await validate({})
    assert.equal(await stored(), 27)
    assert.equal(ledger.stats().refused, 3)
  })

  it('drops the new, never the old, when it is full, and counts it', async () => {
    const ledger = open({ maxEvents: 10, lingerMs: 1000 })
    const taken = Array.from({ length: 15 }, (_, i) => ledger.accept(event(`f${i}`)))
    assert.deepEqual(taken.slice(0, 10), Array<boolean>(10).fill(true))
    assert.deepEqual(taken.slice(10), Array<boolean>(5).fill(false))
    await ledger.flush()
    assert.equal(await stored(), 10)
    assert.equal(ledger.stats().dropped, 5)
  })

  it('flushes what was accepted before the call; calls at the same time share', async () => {
    const ledger = open()
    ledger.accept(event('one'))
    const first = ledger.flush()
    const second = ledger.flush()
    assert.equal(first, second)
    await first
    assert.equal(await stored(), 1)
  })

  it('stamps events again whose write took long, so that readers see them', async () => {
    let now = Date.now()
    const slow: LedgerDoor = {
      ...real,
      serverNow: () => Promise.resolve(new Date(now)),
      append: (events) => {
        now += 10 * 60_000
        return real.append(events)
      },
    }
    const before = now
    const ledger = open({ door: slow })
    ledger.accept(event('slow'))
    await ledger.flush()
    const kept = await database.connection.collection('usage_logs').findOne({})
    assert.ok(kept?.recorded_at instanceof Date && kept.recorded_at.getTime() > before)
  })
})
