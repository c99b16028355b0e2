import assert from 'node:assert/strict'
import { ClockSteps } from '../../src/rollup/clock-steps.js'
import { verifyDay } from '../../src/rollup/rebuild.js'
import { rollUp } from '../../src/rollup/roller.js'
import { dayMs, floorTo, minuteMs } from '../../src/time.js'
import { freshDatabase } from '../helpers/mongo.js'
import { span, World } from './support.js'

describe('a database whose clock is put back between two roll-ups', () => {
  for (const [minutes, every] of [
    [1.5, 1],
    [2.5, 1],
    [4, 1],
    [3, 5],
    [6, 5],
  ] as const) {
    it(`has everything in its totals: by ${minutes} minutes, rolled up every ${every}`, async () => {
      const database = await freshDatabase()
      const world = new World(database.connection, '2026-06-20T12:14:00Z')
      await world.store.prepare()
      const began = world.now
      let elapsed = 0
      const steps = new ClockSteps(() => elapsed)
      const operation = () => ({ user_id: 'bob', timestamp: new Date(world.now - 1_000) })
      world.now = began + minutes * minuteMs
      await rollUp(world.door(), steps)
      for (const seconds of [5, 20]) {
        world.now = began + seconds * 1_000
        await world.append([operation()])
      }
      for (let minute = every; minute <= 30; minute += every) {
        world.now = began + minute * minuteMs
        elapsed = minute * minuteMs
        await rollUp(world.door(), steps)
      }
      const other = new World(database.connection, world.now)
      const day = span('2026-06-20', '2026-06-21')
      assert.equal((await other.userUsage('bob', day, 'UTC')).total_operations, 2)
      const { differences } = await verifyDay(world.door(), floorTo(began, dayMs))
      assert.deepEqual(differences, [])
      await database.drop()
    })
  }
})

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
