import assert from 'node:assert/strict'
import { rollUp } from '../../src/rollup/roller.js'
import { hourMs, isTimezone } from '../../src/time.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { naiveGlobal } from './naive.js'
import { span, World } from './support.js'

/** What the clocks of these do, databases learned later than Node, or never. */
const zones = ['America/Asuncion', 'America/Coyhaique', 'SystemV/EST5', 'America/Havana']

describe('days of a zone', () => {
  let database: FreshDatabase
  let world: World
  before(async () => {
    database = await freshDatabase()
    world = new World(database.connection, '2026-11-02T12:00:00Z')
    const first = Date.parse('2026-10-30T00:30:00Z')
    const june = Date.parse('2026-06-10T00:30:00Z')
    const at = [first, june].flatMap((start) =>
      Array.from({ length: 72 }, (_, hour) => new Date(start + hour * hourMs)),
    )
    await world.append(
      at.map((timestamp, index) => ({ timestamp, user_id: `user ${index % 5}`, model: 'gpt-4o' })),
    )
    await rollUp(world.door())
    world.now += 24 * hourMs
    await rollUp(world.door())
  })
  after(() => database.drop())

  for (const zone of zones.filter(isTimezone))
    it(`are those of Node where the database knows others: ${zone}`, async () => {
      for (const asked of [
        span('2026-06-09T03:00:00Z', '2026-06-14T03:00:00Z'),
        span('2026-10-29T03:00:00Z', '2026-11-03T03:00:00Z'),
      ]) {
        const { daily_usage } = await world.globalUsage(asked, zone)
        const users = Object.entries(daily_usage).map(([date, day]) => [date, day.unique_users])
        const { daily_usage: expected } = naiveGlobal(world.log, asked, zone)
        const right = Object.entries(expected).map(([date, day]) => [date, day.unique_users])
        assert.deepEqual(users, right)
      }
    })
})
