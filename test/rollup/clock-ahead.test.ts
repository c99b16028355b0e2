import assert from 'node:assert/strict'
import { verifyDay } from '../../src/rollup/rebuild.js'
import { rollUp } from '../../src/rollup/roller.js'
import { dayMs, floorTo, minuteMs } from '../../src/time.js'
import { freshDatabase } from '../helpers/mongo.js'
import { span, World } from './support.js'

describe('a database whose clock was ahead during one roll-up', () => {
  for (const minutes of [5, 30, 60]) {
    it(`has everything in its totals once it is right again, ${minutes} minutes`, async () => {
      const database = await freshDatabase()
      const world = new World(database.connection, '2026-06-20T12:01:00Z')
      await world.store.prepare()
      const began = world.now
      const operation = () => ({ user_id: 'bob', timestamp: new Date(world.now - 1_000) })
      await world.append([operation()])
      await rollUp(world.door())
      world.now = began + minutes * minuteMs
      await rollUp(world.door())
      for (let minute = 1; minute <= 20; minute++) {
        world.now = began + minute * minuteMs
        await world.append([operation()])
        await rollUp(world.door())
      }
      // As an instance sees it that has read no state before.
      const other = new World(database.connection, world.now)
      const day = span('2026-06-20', '2026-06-21')
      assert.equal((await other.userUsage('bob', day, 'UTC')).total_operations, 21)
      world.now += 2 * 60 * minuteMs
      await rollUp(world.door())
      const { differences } = await verifyDay(world.door(), floorTo(began, dayMs))
      assert.deepEqual(differences, [])
      await database.drop()
    })
  }
})
