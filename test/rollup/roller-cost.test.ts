import assert from 'node:assert/strict'
import { rollUp } from '../../src/rollup/roller.js'
import { verifyDay } from '../../src/rollup/rebuild.js'
import { dayMs, floorTo, minuteMs } from '../../src/time.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { readsDuring } from '../helpers/profiled.js'
import { listenIn, monitored } from '../security/commands.js'
import { World } from './support.js'

const users = 260
const windows = 7

/** Many users on one day: what a roll-up decodes or encodes in one go holds up the host's requests. */
describe('a roll-up of many users', function () {
  this.timeout(60_000)
  let database: FreshDatabase
  let world: World
  before(async () => {
    database = await freshDatabase(monitored)
    world = new World(database.connection, '2026-06-10T14:00:00Z')
    await world.store.prepare()
    for (let index = 0; index < windows; index++)
      await world.append(
        Array.from({ length: users }, (_, user) => ({
          timestamp: new Date(world.now - (index * 31 + (user % 13)) * minuteMs),
          user_id: `user-${user}`,
          ...{ endpoint: `/ai/${(user + index) % 9}`, model: `model-${(user * 7) % 11}` },
          response_time_ms: 100 + user,
        })),
      )
    world.now += minuteMs
  })
  after(() => database.drop())

  it('reads and writes a little at a time, and is right', async () => {
    const heard = listenIn(database.connection)
    const answers = await readsDuring(database.connection, () => rollUp(world.door()))
    assert.ok(answers.reduce((sum, { nreturned = 0 }) => sum + nreturned, 0) > windows * users)
    for (const { ns, nreturned = 0, responseLength } of answers)
      assert.ok(nreturned <= 500 && responseLength < 400_000, `${ns}: ${responseLength} bytes`)
    const written = heard.flatMap(({ body }) => {
      return [body.updates ?? [], body.documents ?? []].map((some) => (some as unknown[]).length)
    })
    assert.ok(Math.max(...written) <= 500, `${Math.max(...written)} written at once`)
    const day = await verifyDay(world.door(), floorTo(world.now, dayMs))
    assert.deepEqual(day.differences, [])
  })

  it('leaves those alone of whom it hears nothing new', async () => {
    const timestamp = new Date(world.now)
    world.now += 5 * minuteMs
    await rollUp(world.door())
    await world.append([{ timestamp, user_id: 'user-3', input_tokens: 9 }])
    const heard = listenIn(database.connection)
    await rollUp(world.door())
    const written = heard.flatMap(({ body }) => body.updates ?? []) as { u: { _id?: string } }[]
    const ids = written.flatMap(({ u: { _id } }) => (_id === undefined ? [] : [_id]))
    assert.equal(ids.length, 4, ids.join())
    assert.equal(ids.filter((id) => id.endsWith('|global')).length, 2)
    assert.equal(ids.filter((id) => id.endsWith('|user|user-3')).length, 2)
    const day = await verifyDay(world.door(), floorTo(world.now, dayMs))
    assert.deepEqual(day.differences, [])
  })
})
