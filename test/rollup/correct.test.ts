import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { correctEvent } from '../../src/ledger/correct.js'
import { verifyDay } from '../../src/rollup/rebuild.js'
import { rollUp } from '../../src/rollup/roller.js'
import { dayMs, floorTo, minuteMs } from '../../src/time.js'
import { freshDatabase } from '../helpers/mongo.js'
import { KeepingWorld } from '../retention/world.js'

describe('later figures of an operation that was rolled up already', () => {
  it('reach the rollups also where the database tells an earlier time than before', async () => {
    const database = await freshDatabase()
    const world = new KeepingWorld(database.connection, '2026-06-20T12:07:00Z')
    await world.store.prepare()
    const timestamp = new Date(world.now - minuteMs)
    await world.append([{ _id: 'e1', user_id: 'alice', timestamp, input_tokens: 10 }])
    world.now += 1_000
    await rollUp(world.door())
    // A new primary, whose clock is behind that of the one before.
    const db = { serverNow: () => Promise.resolve(new Date(world.now - 3_000)) }
    const store = { ...world.store, db } as unknown as Parameters<typeof correctEvent>[0]
    const correction = { input_tokens: 1_000, output_tokens: 5, cost_nano_usd: null }
    assert.ok(await correctEvent(store, systemClock, 'e1', correction))
    for (let run = 0; run < 5; run++) {
      world.now += minuteMs
      await rollUp(world.door())
    }
    const { differences } = await verifyDay(world.door(), floorTo(world.now, dayMs))
    assert.deepEqual(differences, [])
    await database.drop()
  })
})
