/** How a backlog gathers and drains: part of `npm run bench:spool -- --drain`. */
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../src/clock.js'
import type { UnrecordedEvent } from '../src/event.js'
import { ledgerDoor } from '../src/ledger/door.js'
import { Ledger } from '../src/ledger/ledger.js'
import type { LedgerDoor } from '../src/ledger/writer.js'
import { createStore } from '../src/store/store.js'
import { freshDatabase } from '../test/helpers/mongo.js'
import { collectedRss } from './collected.js'
import { config, eventOf, logger } from './spool-parts.js'

/** Events before the backlog, so that its memory is told apart from what any events need. */
const usual = 100_000

const megabytes = (bytes: number) => bytes / 1024 ** 2
const rss = () => megabytes(process.memoryUsage.rss())
/** The most that is resident while something is done, MB, garbage and all. */
async function mostDuring(work: () => Promise<void>): Promise<number> {
  let most = 0
  const watching = setInterval(() => (most = Math.max(most, rss())), 20)
  await work().finally(() => clearInterval(watching))
  return most
}
/** How far it goes beyond what it was, MB. */
const beyond = (most: number, before: number) =>
  `${most < before ? '' : '+'}${(most - before).toFixed(0)} MB`

/** A backlog of so many, with fresh events beside it, against the driver alone. */
export async function drain(dir: string, total: number): Promise<void> {
  const database = await freshDatabase()
  const store = createStore(database.connection, systemClock)
  await store.prepare()
  const real = ledgerDoor(store)
  let isAway = false
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
  /** Takes events as fast as the disk does. */
  const fill = async (count: number) => {
    for (let index = 0; index < count; index++) {
      if (!ledger.accept(eventOf(index))) throw new Error('not taken')
      if (index % 500 === 0) await ledger.durable()
    }
  }
  const fresh = megabytes(await collectedRss())
  const busy = await mostDuring(() => fill(usual).then(() => ledger.flush()))
  const before = megabytes(await collectedRss())
  isAway = true
  const filling = await mostDuring(() => fill(total))
  const filled = megabytes(await collectedRss())
  const { bytes, in_memory } = ledger.stats()
  console.log(
    `resident: ${fresh.toFixed(0)} MB at first, at most ${busy.toFixed(0)} MB while ${usual} events come ` +
      `with MongoDB there, ${before.toFixed(0)} MB after them\n` +
      `backlog of ${total}: ${(bytes / 1024 ** 2).toFixed(0)} MB on disk, ${in_memory} in memory; resident ` +
      `${beyond(filled, before)} after it, at most ${beyond(filling, busy)} while it gathers`,
  )
  isAway = false
  const began = performance.now()
  const watch = { most: 0, worst: 0 }
  const logs = database.connection.collection<{ _id: string }>('usage_logs')
  const flushed = ledger.flush().then(() => performance.now() - began)
  const state = { isDone: false }
  void flushed.then(() => (state.isDone = true))
  for (let n = 0; !state.isDone; n++) {
    const one = eventOf(n)
    const since = performance.now()
    ledger.accept(one)
    while ((await logs.findOne({ _id: one._id })) === null) await sleep(20)
    watch.worst = Math.max(watch.worst, performance.now() - since)
    watch.most = Math.max(watch.most, rss())
    await sleep(200)
  }
  const rate = total / ((await flushed) / 1000)
  const stored = await logs.countDocuments({})
  if (stored < usual + total) throw new Error(`${stored} of ${total} stored`)
  const raw = await insertRaw(
    database.connection.getClient().db(database.name),
    Math.min(total, 100_000),
  )
  console.log(
    `drained at ${rate.toFixed(0)} events/s, ${(rate / raw).toFixed(2)}× of insertMany alone ` +
      `(${raw.toFixed(0)}/s), resident at most ${beyond(watch.most, busy)}; ` +
      `a fresh event was visible after ${watch.worst.toFixed(0)} ms at worst`,
  )
  await ledger.close()
  await database.drop()
}

type Driver = ReturnType<
  ReturnType<Awaited<ReturnType<typeof freshDatabase>>['connection']['getClient']>['db']
>

/** The driver's own, in batches of the same size, into a collection with the same indexes. */
async function insertRaw(driver: Driver, count: number): Promise<number> {
  for (const { key, name, partialFilterExpression } of await driver
    .collection('usage_logs')
    .indexes()) {
    const options = partialFilterExpression && { partialFilterExpression }
    if (name !== '_id_') await driver.collection('raw').createIndex(key, options, undefined)
  }
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
