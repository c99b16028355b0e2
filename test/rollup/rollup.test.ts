import assert from 'node:assert/strict'
import { rebuildDays, verifyDay } from '../../src/rollup/rebuild.js'
import { rollUp } from '../../src/rollup/roller.js'
import { dayMs, hourMs, intervalMs } from '../../src/time.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { span, World, type EventFacts } from './support.js'

describe('rollups', () => {
  let database: FreshDatabase
  let world: World
  const live = async (now: string) => {
    world = new World(database.connection, now)
    await world.store.prepare()
  }
  const at = (timestamp: string, facts: Partial<EventFacts> = {}) => ({
    ...facts,
    timestamp: new Date(timestamp),
  })
  /** One event in the middle of every quarter of an hour. */
  const everyWindow = (from: string, to: string) => {
    const events: EventFacts[] = []
    for (let start = Date.parse(from); start < Date.parse(to); start += intervalMs) {
      events.push({ timestamp: new Date(start + 1) })
    }
    return events
  }

  beforeEach(async () => {
    database = await freshDatabase()
  })
  afterEach(() => database.drop())

  it('give local days of 23, 24 and 25 hours their own operations', async () => {
    await live('2026-03-31T00:00:00Z')
    await world.append(everyWindow('2026-03-27T23:00:00Z', '2026-03-30T22:00:00Z'))
    for (const rolledUp of [false, true]) {
      if (rolledUp) await rebuildDays(world.door(), world.days())
      const days = span('2026-03-27T23:00:00Z', '2026-03-30T22:00:00Z')
      const { daily_usage, period_days } = await world.userUsage('alice', days, 'Europe/Berlin')
      assert.equal(period_days, 3)
      const counts = Object.entries(daily_usage).map(([date, { operations }]) => [date, operations])
      assert.deepEqual(counts, [
        ['2026-03-28', 24 * 4],
        ['2026-03-29', 23 * 4],
        ['2026-03-30', 24 * 4],
      ])
    }
    assert.ok((await world.rollupBytes()).length > 0)
  })

  it('give a local day of 25 hours and one of 24.5 hours all of theirs', async () => {
    await live('2026-10-30T00:00:00Z')
    await world.append(everyWindow('2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z'))
    await world.append(everyWindow('2026-04-04T13:00:00Z', '2026-04-05T13:30:00Z'))
    await rebuildDays(world.door(), world.days())
    const berlin = span('2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z')
    const autumn = await world.globalUsage(berlin, 'Europe/Berlin')
    assert.deepEqual(Object.keys(autumn.daily_usage), ['2026-10-25'])
    assert.equal(autumn.daily_usage['2026-10-25']?.operations, 25 * 4)
    const island = span('2026-04-04T13:00:00Z', '2026-04-05T13:30:00Z')
    const lordHowe = await world.globalUsage(island, 'Australia/Lord_Howe')
    assert.deepEqual(Object.keys(lordHowe.daily_usage), ['2026-04-05'])
    assert.equal(lordHowe.daily_usage['2026-04-05']?.operations, 98)
  })

  it('tell the users of a day of 25 hours that holds a whole UTC day', async () => {
    await live('2026-10-30T00:00:00Z')
    const hours = Array.from(
      { length: 25 },
      (_, hour) => Date.parse('2026-10-24T23:00:00Z') + hour * hourMs,
    )
    await world.append(
      hours.map((hour, index) => ({ timestamp: new Date(hour), user_id: `user-${index % 12}` })),
    )
    world.now += hourMs
    await rebuildDays(world.door(), world.days())
    const london = span('2026-10-24T23:00:00Z', '2026-10-26T00:00:00Z')
    const { daily_usage } = await world.globalUsage(london, 'Europe/London')
    assert.equal(daily_usage['2026-10-25']?.unique_users, 12)
  })

  it('show an event recorded three days late at once, and hold it after the next run', async () => {
    await live('2026-06-10T12:00:00Z')
    await world.append([at('2026-06-10T11:55:00Z')])
    world.now += 3 * dayMs
    await rollUp(world.door())
    const day = span('2026-06-10', '2026-06-11')
    const count = async () => (await world.userUsage('alice', day, 'UTC')).total_operations
    const stored = async () => {
      const [doc] = await world.store.days.read([day], { user_id: 'alice' })
      return doc?.total_operations
    }
    assert.equal(await stored(), 1)
    await world.append([at('2026-06-10T12:00:30Z'), at('2026-06-10T03:00:00Z', { user_id: 'bob' })])
    assert.equal(await count(), 2)
    assert.equal((await world.globalUsage(day, 'UTC')).unique_users, 2)
    assert.equal(await stored(), 1)
    assert.deepEqual((await verifyDay(world.door(), Date.parse('2026-06-10'))).differences, [])
    world.now += hourMs
    await rollUp(world.door())
    assert.equal(await stored(), 2)
    assert.equal(await count(), 2)
    assert.deepEqual((await verifyDay(world.door(), Date.parse('2026-06-10'))).differences, [])
  })

  it('are the same whether rolled up or rebuilt, and rebuilding leaves nothing to catch up', async () => {
    await live('2026-06-10T12:00:00Z')
    await world.append(everyWindow('2026-06-10T00:00:00Z', '2026-06-10T12:00:00Z'))
    await world.append([at('2026-05-01T08:00:00Z', { user_id: 'bob' })])
    world.now += hourMs
    await rebuildDays(world.door(), [Date.parse('2026-06-10')])
    const rebuilt = await world.rollupBytes()
    assert.deepEqual(await rollUp(world.door()), { windows: 0, days: 0 })
    await world.store.state.reset()
    await rollUp(world.door())
    assert.deepEqual(await world.rollupBytes(), rebuilt)
    assert.equal((await world.store.accounts.find('bob'))?.total_operations, 1)
  })
})
