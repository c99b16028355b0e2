/** Accepts events until it is killed, and says which are on disk: `d <id>` an event, `s`, `c` starts. */
import { setTimeout as sleep } from 'node:timers/promises'
import mongoose from 'mongoose'
import { systemClock } from '../../../src/clock.js'
import { ledgerDoor } from '../../../src/ledger/door.js'
import type { LedgerDoor } from '../../../src/ledger/writer.js'
import { createStore } from '../../../src/store/store.js'
import { database, event, openLedger } from './support.js'

const [uri = '', dir = '', prefix = '', fsync = 'interval'] = process.argv.slice(2)
const connection = await mongoose.createConnection(uri, { bufferCommands: false }).asPromise()
const store = createStore(connection, systemClock)
await store.prepare()
const real = ledgerDoor(store)
/** Away half of the time, and sometimes it writes and does not say so. */
const door: LedgerDoor = {
  ...real,
  append: async (events) => {
    const isAway = Math.floor(performance.now() / 200) % 2 === 0
    if (isAway) return { outcome: 'retry', reason: 'away' }
    const outcome = await real.append(events)
    return Math.random() < 0.2 ? { outcome: 'retry', reason: 'not acknowledged' } : outcome
  },
}
const ledger = openLedger(
  door,
  { dir, fsync: fsync as 'interval' },
  { batchSize: 100, maxEvents: 100_000 },
)
await ledger.takeOver(database)

async function operations(): Promise<void> {
  for (let k = 0; ; k++) {
    const id = `${prefix}-s${k}`
    const facts = { user_id: 'carol', tier: 'pro', endpoint: '/ai/chat', operation_type: 'chat' }
    const running = ledger.begin(id, () => ({ _id: id, ...facts, timestamp: new Date() }))
    await ledger.noteBegun()
    await ledger.durable()
    console.log(`s ${id}`)
    if (k % 3 === 1) {
      ledger.accept(event(id), running)
      await ledger.durable()
      console.log(`d ${id}`)
    } else if (k % 3 === 2) {
      running?.cancel()
      await ledger.durable()
      console.log(`c ${id}`)
    }
  }
}

void operations()
for (let n = 0; ;) {
  const ids: string[] = []
  const count = 1 + Math.floor(Math.random() * 60)
  for (let i = 0; i < count; i++) {
    const id = `${prefix}-${n++}`
    if (ledger.accept(event(id))) ids.push(id)
  }
  await ledger.durable()
  console.log(ids.map((id) => `d ${id}`).join('\n'))
  await sleep(Math.random() * 4)
}
