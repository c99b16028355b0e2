import assert from 'node:assert/strict'
import { ledgerDoor } from '../../src/ledger/door.js'
import { diedEvent } from '../../src/ledger/spool/event-json.js'
import { writeBatch } from '../../src/ledger/writer.js'
import { verifyDay } from '../../src/rollup/rebuild.js'
import { rollUp } from '../../src/rollup/roller.js'
import { dayMs, floorTo, minuteMs } from '../../src/time.js'
import { event } from '../helpers/events.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { span, World } from '../rollup/support.js'

describe('an event on its way to the log', () => {
  let database: FreshDatabase
  let world: World
  beforeEach(async () => {
    database = await freshDatabase()
    world = new World(database.connection, '2026-06-20T12:07:00Z')
    await world.store.prepare()
  })
  afterEach(() => database.drop())

  const day = span('2026-06-20', '2026-06-21')
  const send = (one: ReturnType<typeof event>) => {
    const serverNow = () => Promise.resolve(new Date(world.now))
    const db = { serverNow } as typeof world.store.db
    return writeBatch(ledgerDoor({ ...world.store, db }), [one], {})
  }
  const operation = (began: number) => ({
    ...event('op-1'),
    ...{ user_id: 'alice', timestamp: new Date(began - 1_000) },
    ...{ input_tokens: 10, output_tokens: 5, tokens_used: 15 },
  })

  it('is dated now where the clock of its host is further ahead than five minutes', async () => {
    const log = database.connection.collection('usage_logs')
    for (const minutes of [4, 60]) {
      await send({ ...operation(world.now + minutes * minuteMs), _id: `ahead-${minutes}` })
    }
    const found = await log.find().sort({ _id: 1 }).toArray()
    const ahead = found.map(({ timestamp }) => (timestamp as Date).getTime() - world.now)
    assert.deepEqual(ahead, [4 * minuteMs - 1_000, 0])
  })

  it('is rolled up also when it was there before, and came into view long after its process was killed', async () => {
    const began = world.now
    world.now = began + 150_000
    await rollUp(world.door())
    await world.store.logs.append([{ ...operation(began), recorded_at: new Date(began) }])
    world.now += 1_000
    const sent = await send(operation(began))
    assert.deepEqual(sent, { done: { stored: 0, duplicates: ['op-1'], refused: [] } })
    for (let run = 0; run < 20; run++) {
      world.now += minuteMs
      await rollUp(world.door())
    }
    const { total_tokens } = await world.userUsage('alice', day, 'UTC')
    assert.equal(total_tokens, 15)
    const { differences } = await verifyDay(world.door(), floorTo(began, dayMs))
    assert.deepEqual(differences, [])
  })

  it('takes, when it was there before, the place of what stood for it while its process was taken for dead', async () => {
    const began = world.now
    const died = diedEvent({
      ...operation(began),
      timestamp: new Date(began - 1_000).toISOString(),
    })
    assert.ok(died)
    await send(died)
    await rollUp(world.door())
    world.now += 10 * minuteMs
    await send(operation(began))
    for (let run = 0; run < 20; run++) {
      world.now += minuteMs
      await rollUp(world.door())
    }
    const { total_operations, total_tokens } = await world.userUsage('alice', day, 'UTC')
    assert.deepEqual([total_operations, total_tokens], [1, 15])
    // The other way round it gives way: what was is known.
    await send(died)
    const log = database.connection.collection('usage_logs')
    assert.equal(await log.countDocuments({ tokens_used: 15 }), 1)
    const { differences } = await verifyDay(world.door(), floorTo(began, dayMs))
    assert.deepEqual(differences, [])
  })
})
