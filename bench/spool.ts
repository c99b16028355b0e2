/**
 * What the spool costs: `npm run bench:spool`, and how fast a backlog drains beside fresh events:
 * `npm run bench:spool -- --drain [--events 1000000]`.
 * Start it with `--expose-gc` (the npm script does) for steady figures of memory.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { v7 as uuidv7 } from 'uuid'
import { systemClock } from '../src/clock.js'
import type { UnrecordedEvent } from '../src/event.js'
import { ledgerDoor } from '../src/ledger/door.js'
import { Epochs } from '../src/ledger/epochs.js'
import { Ledger } from '../src/ledger/ledger.js'
import { Spool } from '../src/ledger/spool/spool.js'
import type { SpoolConfig } from '../src/ledger/spool/spool-options.js'
import type { LedgerDoor } from '../src/ledger/writer.js'
import { createStore } from '../src/store/store.js'
import { freshDatabase, stopTestMongo } from '../test/helpers/mongo.js'

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    /** Memory is told best by a process that has done nothing else. */
    drain: { type: 'boolean', default: false },
  },
})
const total = Number(values.events)
const logger = { info: () => undefined, warn: console.warn, error: console.error }
const config = { fsync: 'interval', maxBytes: 16 * 1024 ** 3, whenFull: 'memory' } as const

function eventOf(index: number): UnrecordedEvent {
  const input_tokens = 200 + (index % 700)
  const output_tokens = 50 + (index % 300)
  return {
    _id: uuidv7(),
    ...{ user_id: `user-${index % 50}`, tier: 'pro', endpoint: '/ai/chat' },
    ...{ operation_type: 'chat', provider: 'openai', model: 'gpt-4o-2024-08-06' },
    ...{ input_tokens, output_tokens, tokens_used: input_tokens + output_tokens },
    ...{ token_source: 'provider', cost_nano_usd: 1_234_567, cost_source: 'catalogue' },
    ...{ success: true, status: 'ok', status_code: 200, response_time_ms: 800 + (index % 900) },
    ...{ stream: false, response_bytes: 4096, attempts: 1, timestamp: new Date() },
  }
}

const rss = () => {
  globalThis.gc?.()
  return process.memoryUsage().rss / 1024 ** 2
}
const quantile = (sorted: Float64Array, q: number) =>
  sorted[Math.floor(q * (sorted.length - 1))] ?? NaN

async function withDir(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'spool-bench-'))
  await work(dir)
  await rm(dir, { recursive: true })
}

/** From the call to the disk: serialised, checked, gathered, written. */
async function appends(fsync: SpoolConfig['fsync'], dir: string): Promise<void> {
  const nothing = () => undefined
  const epochs = new Epochs()
  const hooks = { onReturned: nothing, onRecovered: nothing, onBacklog: nothing }
  const quiet = { ...logger, error: () => undefined }
  const options = { config: { ...config, fsync, dir }, clock: systemClock, logger: quiet, epochs }
  const spool = new Spool({ ...options, ...hooks })
  const events = Array.from({ length: 10_000 }, (_, index) => eventOf(index))
  while (spool.durability === 'memory') await sleep(1)
  const count = 500_000
  const began = performance.now()
  for (let done = 0; done < count; done += 500) {
    for (let i = 0; i < 500; i++) {
      const event = events[(done + i) % events.length]
      // As fast as this disk takes them.
      while (event !== undefined && !spool.append(event)) await spool.written()
    }
    await turn()
  }
  await spool.settled()
  const seconds = (performance.now() - began) / 1000
  const megabytes = spool.bytes / 1024 ** 2 / seconds
  console.log(
    `appends, fsync ${fsync}: ${(count / seconds).toFixed(0)} events/s, ${megabytes.toFixed(0)} MB/s`,
  )
  await spool.close()
}

/** What a request waits for at 2,000 a second: begin, and accept 5 ms later; the rest is beside it. */
async function latency(spool: SpoolConfig | false): Promise<void> {
  const door: LedgerDoor = {
    serverNow: () => Promise.resolve(new Date()),
    append: async () => {
      await sleep(5)
      return { outcome: 'settled', duplicates: [], refused: [] }
    },
    restamp: () => Promise.resolve(),
    sighted: () => Promise.resolve(),
    horizon: () => Promise.resolve(new Date(0)),
    withdraw: () => Promise.resolve(),
  }
  const limits = { maxEvents: 100_000, batchSize: 500, lingerMs: 50, onWritten: () => undefined }
  const ledger = new Ledger({ door, clock: systemClock, logger, ...limits, spool })
  await sleep(200)
  const count = 20_000
  const took = new Float64Array(count)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const began = performance.now()
  for (let index = 0; index < count;) {
    const due = Math.min(count, Math.floor((performance.now() - began) * 2))
    for (; index < due; index++) begin(index)
    await sleep(1)
  }
  await sleep(100)
  delay.disable()
  await ledger.flush()
  await ledger.close()
  took.sort()
  const micros = [0.5, 0.99, 0.999].map((q) => (quantile(took, q) * 1000).toFixed(1))
  const loop = [50, 99].map((p) => (delay.percentile(p) / 1e6).toFixed(2))
  console.log(
    `${spool ? `spool, fsync ${spool.fsync}` : 'no spool'} at 2,000/s: in the request ` +
      `p50 ${micros[0]} µs, p99 ${micros[1]} µs, p99.9 ${micros[2]} µs; ` +
      `event loop turn of 1 ms p50 ${loop[0]} ms, p99 ${loop[1]} ms`,
  )

  function begin(index: number): void {
    const event = eventOf(index)
    const { _id, user_id, tier, endpoint, operation_type, timestamp } = event
    const start = performance.now()
    const facts = { _id, user_id, tier, endpoint, operation_type, timestamp }
    const running = ledger.begin(_id, () => facts)
    took[index] = performance.now() - start
    setTimeout(() => {
      const again = performance.now()
      ledger.accept(event, running)
      took[index] = (took[index] ?? 0) + performance.now() - again
    }, 5)
  }
}

/** A backlog of so many, with fresh events beside it, against the driver alone. */
async function drain(dir: string): Promise<void> {
  const database = await freshDatabase()
  const store = createStore(database.connection, systemClock)
  await store.prepare()
  const real = ledgerDoor(store)
  let isAway = true
  const door: LedgerDoor = {
    ...real,
    append: (events) =>
      isAway ? Promise.resolve({ outcome: 'retry', reason: 'away' }) : real.append(events),
  }
  const limits = { maxEvents: 100_000, batchSize: 500, lingerMs: 50, onWritten: () => undefined }
  const quiet = { ...logger, warn: () => undefined }
  const spool = { ...config, dir }
  const ledger = new Ledger({ door, clock: systemClock, logger: quiet, ...limits, spool })
  await sleep(200)
  const before = rss()
  for (let index = 0; index < total; index++) {
    if (!ledger.accept(eventOf(index))) throw new Error('not taken')
    // As fast as this disk takes them.
    if (index % 500 === 0) await ledger.durable()
  }
  const filled = rss()
  const { bytes, in_memory } = ledger.stats()
  console.log(
    `backlog of ${total}: ${(bytes / 1024 ** 2).toFixed(0)} MB on disk, ${in_memory} in memory, ` +
      `resident +${(filled - before).toFixed(0)} MB`,
  )
  isAway = false
  const began = performance.now()
  const watch = { most: 0, worst: 0 }
  const logs = database.connection.collection<{ _id: string }>('usage_logs')
  const flushed = ledger.flush().then(() => performance.now() - began)
  const state = { isDone: false }
  void flushed.then(() => (state.isDone = true))
  for (let n = 0; !state.isDone; n++) {
    const fresh = eventOf(n)
    const since = performance.now()
    ledger.accept(fresh)
    while ((await logs.findOne({ _id: fresh._id })) === null) await sleep(20)
    watch.worst = Math.max(watch.worst, performance.now() - since)
    watch.most = Math.max(watch.most, rss())
    await sleep(200)
  }
  const rate = total / ((await flushed) / 1000)
  const stored = await logs.countDocuments({})
  if (stored < total) throw new Error(`${stored} of ${total} stored`)
  const raw = await insertRaw(database.connection.getClient().db(database.name))
  console.log(
    `drained at ${rate.toFixed(0)} events/s, ${(rate / raw).toFixed(2)}× of insertMany alone ` +
      `(${raw.toFixed(0)}/s), resident at most +${(watch.most - before).toFixed(0)} MB; ` +
      `a fresh event was visible after ${watch.worst.toFixed(0)} ms at worst`,
  )
  await ledger.close()
  await database.drop()
}

type Driver = ReturnType<
  ReturnType<Awaited<ReturnType<typeof freshDatabase>>['connection']['getClient']>['db']
>

/** The driver's own, in batches of the same size, into a collection with the same indexes. */
async function insertRaw(driver: Driver): Promise<number> {
  for (const { key, name, partialFilterExpression } of await driver
    .collection('usage_logs')
    .indexes()) {
    const options = partialFilterExpression && { partialFilterExpression }
    if (name !== '_id_') await driver.collection('raw').createIndex(key, options, undefined)
  }
  const count = Math.min(total, 100_000)
  const batches = Array.from({ length: count / 500 }, (_, batch) =>
    Array.from({ length: 500 }, (__, index) => ({
      ...eventOf(batch * 500 + index),
      recorded_at: new Date(),
    })),
  )
  const began = performance.now()
  for (const batch of batches) {
    await driver
      .collection<UnrecordedEvent>('raw')
      .insertMany(batch, { ordered: false, writeConcern: { w: 'majority', journal: true } })
  }
  return count / ((performance.now() - began) / 1000)
}

if (values.drain) {
  await withDir(drain)
  await stopTestMongo()
} else {
  for (const fsync of ['interval', 'strict', 'off'] as const) {
    await withDir((dir) => appends(fsync, dir))
  }
  await latency(false)
  for (const fsync of ['interval', 'strict'] as const) {
    await withDir((dir) => latency({ ...config, fsync, dir }))
  }
}
