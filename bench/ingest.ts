import mongoose from 'mongoose'
import { v7 as uuidv7 } from 'uuid'
import { systemClock } from '../src/clock.js'
import type { UnrecordedEvent } from '../src/event.js'
import { ledgerDoor } from '../src/ledger/door.js'
import { Ledger } from '../src/ledger/ledger.js'
import { createStore } from '../src/store/store.js'
import { serve } from './rpc.js'

/** Ways to the database. `raw` has the indexes of `usage_logs`, `raw_unindexed` only `_id`. */
export type IngestWay = 'ledger' | 'raw' | 'raw_unindexed'

const batchSize = 500
const [mongoUri = ''] = process.argv.slice(2)
const connection = await mongoose.createConnection(mongoUri, { bufferCommands: false }).asPromise()
const store = createStore(connection, systemClock)
await store.prepare()
const driver = connection.getClient().db(connection.name)
await indexRaw()
const ledger = new Ledger({
  door: ledgerDoor(store),
  clock: systemClock,
  logger: { info: () => undefined, warn: console.warn, error: console.error },
  maxEvents: 100_000,
  batchSize,
  lingerMs: 50,
  onWritten: () => undefined,
})

async function indexRaw(): Promise<void> {
  const indexes = await driver.collection('usage_logs').indexes()
  for (const { key, name, partialFilterExpression } of indexes) {
    const options = partialFilterExpression && { partialFilterExpression }
    if (name !== '_id_') await driver.collection('raw').createIndex(key, options, undefined)
  }
}

/** What `record` makes of an operation with tokens, model and duration. */
function eventOf(index: number, now: number): UnrecordedEvent {
  const input_tokens = 200 + (index % 700)
  const output_tokens = 50 + (index % 300)
  return {
    _id: uuidv7({ msecs: now }),
    user_id: `user-${index % 50}`,
    tier: 'pro',
    endpoint: 'record:chat',
    operation_type: 'chat',
    provider: 'openai',
    model: 'gpt-4o-2024-08-06',
    input_tokens,
    output_tokens,
    tokens_used: input_tokens + output_tokens,
    token_source: 'annotated',
    cost_nano_usd: null,
    success: true,
    status: 'ok',
    response_time_ms: 800 + (index % 900),
    stream: false,
    attempts: 1,
    client_request_id: `job-${now}-${index}`,
    timestamp: new Date(now),
    content_hash: 'Yh0bN2xWc3VtbWVyIG9m9Q',
  }
}

async function insertRaw(collection: string, documents: readonly UnrecordedEvent[]): Promise<void> {
  const raw = driver.collection<UnrecordedEvent>(collection)
  for (let from = 0; from < documents.length; from += batchSize) {
    const batch = documents
      .slice(from, from + batchSize)
      .map((one) => ({ ...one, recorded_at: new Date() }))
    await raw.insertMany(batch, { ordered: false, writeConcern: { w: 'majority', journal: true } })
  }
}

/** Events per second until the last of `count` is acknowledged. */
async function run({ way, count }: { way: IngestWay; count: number }): Promise<number> {
  const now = Date.now()
  const events = Array.from({ length: count }, (_, index) => eventOf(index, now))
  const began = performance.now()
  if (way === 'ledger') {
    for (const event of events) if (!ledger.accept(event)) throw new Error('the ledger is full')
    await ledger.flush()
  } else await insertRaw(way, events)
  return count / ((performance.now() - began) / 1000)
}

serve({
  run,
  stop: async () => {
    ledger.stop()
    await connection.close()
  },
})
