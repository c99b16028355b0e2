/**
 * What writes notice of old logs being deleted: `npm run bench:retention [-- --logs 100000]`. Inserts
 * of one event each, at a steady rate, before, beside and after a run of retention on the same mongod.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { systemClock } from '../src/clock.js'
import type { UsageEvent } from '../src/event.js'
import { ledgerDoor } from '../src/ledger/door.js'
import { retain } from '../src/retention/retain.js'
import { rollUp } from '../src/rollup/roller.js'
import { createStore } from '../src/store/store.js'
import { dayMs } from '../src/time.js'
import { freshDatabase, stopTestMongo } from '../test/helpers/mongo.js'
import { eventOf } from './spool-parts.js'

const { values } = parseArgs({ options: { logs: { type: 'string', default: '100000' } } })
const logs = Number(values.logs)
const everyMs = 5
const calmMs = 10_000

const database = await freshDatabase()
const store = createStore(database.connection, systemClock, 60_000)
await store.prepare()
const door = ledgerDoor(store)

function recorded(index: number, at: Date): UsageEvent {
  return { ...eventOf(index), timestamp: at, recorded_at: at }
}

/** Times of inserts, ms, sorted, until it is over. */
async function timesUntil(isOver: () => boolean): Promise<number[]> {
  const times: number[] = []
  const open: Promise<void>[] = []
  for (let index = 0; !isOver(); index++) {
    const since = performance.now()
    const written = door.append([recorded(index, new Date())])
    open.push(written.then(() => void times.push(performance.now() - since)))
    await sleep(everyMs)
  }
  await Promise.all(open)
  return times.sort((a, b) => a - b)
}

async function calm(): Promise<number[]> {
  const end = performance.now() + calmMs
  return timesUntil(() => performance.now() > end)
}

const at = (sorted: readonly number[], q: number) =>
  (sorted[Math.floor(q * (sorted.length - 1))] ?? NaN).toFixed(1)
const tell = (what: string, times: readonly number[]) =>
  console.log(
    `${what}: ${times.length} inserts, p50 ${at(times, 0.5)} ms, p99 ${at(times, 0.99)} ms, ` +
      `p99.9 ${at(times, 0.999)} ms`,
  )

for (let done = 0; done < logs; done += 1_000) {
  const day = new Date(Date.now() - (40 + ((done / 1_000) % 10)) * dayMs)
  await door.append(Array.from({ length: 1_000 }, (_, index) => recorded(done + index, day)))
}
await rollUp(store)
await calm()
tell('before', await calm())
const state = { isOver: false }
const began = performance.now()
const { signal } = new AbortController()
const options = { logsDays: 30, signal, elapsed: () => systemClock.elapsed(), settleMs: 0 }
const deleting = retain(store, options).finally(() => (state.isOver = true))
const beside = await timesUntil(() => state.isOver)
const { deleted } = await deleting
const seconds = ((performance.now() - began) / 1_000).toFixed(0)
tell(`beside the deletion of ${deleted} logs in ${seconds} s`, beside)
tell('after', await calm())
if (deleted !== logs) throw new Error(`${deleted} of ${logs} deleted`)
await database.drop()
await stopTestMongo()
