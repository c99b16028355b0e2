import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ledger } from '../../../src/ledger/ledger.js'
import { framesIn, isFrame } from '../../../src/ledger/spool/frame.js'
import type { Fsync } from '../../../src/ledger/spool/spool-options.js'
import { FaultyFiles } from './faulty-files.js'
import { database, FakeLog, event, freshDir, openLedger, removeDirs, until } from './support.js'

const facts = { user_id: 'carol', tier: 'pro', endpoint: '/ai/chat', operation_type: 'chat' }

describe('what has begun, on a disk that has to be waited for', () => {
  let dir: string
  let faulty: FaultyFiles
  const opened: Ledger[] = []
  beforeEach(async () => {
    dir = await freshDir()
    faulty = new FaultyFiles()
  })
  afterEach(async () => {
    faulty.writeTakesMs = 0
    faulty.syncTakesMs = 0
    for (const ledger of opened.splice(0)) await ledger.close()
    await removeDirs()
  })

  const open = async (fsync: Fsync) => {
    const ledger = openLedger(new FakeLog(), { dir, fsync }, { files: faulty.files })
    opened.push(ledger)
    await ledger.takeOver(database)
    await until(() => ledger.stats().durability !== 'memory')
    await ledger.durable()
    await sleep(20)
    return ledger
  }
  const begin = (ledger: Ledger, id: string) => {
    ledger.begin(id, () => ({ _id: id, ...facts, timestamp: new Date() }))
    return ledger.noteBegun()
  }
  const written = () => {
    const [writer = ''] = readdirSync(dir)
    const names = readdirSync(join(dir, writer)).filter((one) => one.endsWith('.log'))
    return names.map((name) => readFileSync(join(dir, writer, name), 'utf8')).join('')
  }
  /** Brings about a sync that takes long. */
  const hangSync = async (ledger: Ledger) => {
    faulty.syncTakesMs = 1_000
    ledger.accept(event('before'))
    await sleep(250)
  }

  it('is written in the same turn where nothing has to be waited for', async () => {
    const ledger = await open('interval')
    assert.equal(begin(ledger, 'quick'), undefined)
    assert.match(written(), /"_id":"quick"/)
  })

  it('is written also where the facts of another cannot be had', async () => {
    const ledger = await open('interval')
    ledger.begin('broken', () => {
      throw new Error('no facts')
    })
    assert.equal(begin(ledger, 'sound'), undefined)
    assert.match(written(), /"_id":"sound"/)
    assert.doesNotMatch(written(), /"_id":"broken"/)
  })

  it('is taken back on disk soon after it was called off, also where nothing else is written', async () => {
    const ledger = await open('interval')
    await begin(ledger, 'long')
    const running = ledger.begin('discarded', () => ({
      ...{ _id: 'discarded', ...facts, timestamp: new Date() },
    }))
    await ledger.noteBegun()
    await sleep(50)
    running?.cancel()
    await until(() => /"_id":"discarded"\}/.test(written()), 1_000)
  })

  it('is written before its handler runs while a sync takes long', async () => {
    const ledger = await open('interval')
    await hangSync(ledger)
    const noting = begin(ledger, 'patient')
    assert.ok(noting, 'not waited for')
    await noting
    assert.match(written(), /"_id":"patient"/)
  })

  it('is waited for by all that came in its turn', async () => {
    const ledger = await open('interval')
    await hangSync(ledger)
    ledger.begin('second', () => ({ _id: 'second', ...facts, timestamp: new Date() }))
    const noting = begin(ledger, 'first')
    assert.ok(noting)
    assert.equal(ledger.noteBegun(), noting)
    await noting
    assert.match(written(), /"_id":"second"/)
    assert.equal(ledger.noteBegun(), undefined)
  })

  it('holds up no request for long where the disk hangs, and then none for a second', async () => {
    const ledger = await open('interval')
    await hangSync(ledger)
    faulty.writeTakesMs = 700
    const began = performance.now()
    await begin(ledger, 'held up')
    const waitedMs = performance.now() - began
    assert.ok(waitedMs >= 15 && waitedMs < 300, `${waitedMs} ms`)
    assert.equal(begin(ledger, 'next'), undefined)
    await until(() => /"_id":"next"/.test(written()))
  })

  it('is on the disk before its handler runs with fsync strict', async () => {
    const ledger = await open('strict')
    let synced = ''
    faulty.sync = () => {
      synced = written()
      return undefined
    }
    const noting = begin(ledger, 'certain')
    assert.ok(noting, 'not waited for')
    await noting
    assert.match(synced, /"_id":"certain"/)
  })

  it('is never late with fsync strict, whenever requests come', async () => {
    const ledger = await open('strict')
    let total = 0
    let early = 0
    let isOver = false
    const request = async (): Promise<void> => {
      while (!isOver) {
        await stat('/')
        const id = `one-${total++}-end`
        ledger.begin(id, () => ({ _id: id, ...facts, timestamp: new Date() }))
        await new Promise(setImmediate)
        await ledger.noteBegun()
        if (!written().includes(id)) early += 1
        await sleep(Math.random() * 6)
      }
    }
    const requests = Array.from({ length: 6 }, request)
    await sleep(2_000)
    isOver = true
    await Promise.all(requests)
    assert.ok(total > 100, `only ${total}`)
    assert.equal(early, 0)
  })

  it('is in whole frames, though a round takes it along before it is noted', async () => {
    const ledger = await open('interval')
    await hangSync(ledger)
    faulty.writeTakesMs = 50
    ledger.begin('taken along', () => ({
      ...{ _id: 'taken along', ...facts, timestamp: new Date() },
    }))
    ledger.accept(event('one'))
    await sleep(15)
    ledger.accept(event('two'))
    await sleep(200)
    const [writer = ''] = readdirSync(dir)
    const [name = ''] = readdirSync(join(dir, writer)).filter((one) => one.endsWith('.log'))
    const found = [...framesIn(readFileSync(join(dir, writer, name)))]
    assert.deepEqual(
      found.map((one) => (isFrame(one) ? one.kind : 'damaged')),
      ['event', 'event', 'start', 'event'],
    )
  })
})
