import assert from 'node:assert/strict'
import { modelsUsage } from '../../src/insight/models.js'
import { rollUp } from '../../src/rollup/roller.js'
import { dayMs, hourMs, minuteMs } from '../../src/time.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { readsDuring, type Noted } from '../helpers/profiled.js'
import { naiveGlobal } from './naive.js'
import { span, World } from './support.js'

const users = 25
const days = 12

/** Days of many users, each of whom uses another mix of endpoints, tiers and models. */
describe('what answers about everybody cost the host', function () {
  this.timeout(60_000)
  let database: FreshDatabase
  let world: World
  let storedBytes: number
  const whole = span('2026-05-30', '2026-06-10')

  before(async () => {
    database = await freshDatabase()
    world = new World(database.connection, '2026-06-10T12:00:00Z')
    await world.store.prepare()
    const from = world.now - hourMs
    for (let day = 0; day < days; day++)
      await world.append(
        Array.from({ length: 24 * users }, (_, index) => ({
          timestamp: new Date(from - day * dayMs - (index % 24) * 53 * minuteMs),
          user_id: `user-${index % users}`,
          ...{ endpoint: `/ai/${index % 9}`, tier: `tier-${index % 4}` },
          ...{ model: `model-${index % 7}`, provider: 'openai' },
          response_time_ms: 50 + index * 7,
        })),
      )
    world.now += hourMs
    await rollUp(world.door())
    const sizes = { $group: { _id: null, bytes: { $sum: { $bsonSize: '$$ROOT' } } } }
    const [stored] = await database.connection
      .collection('daily_stats')
      .aggregate<{ bytes: number }>([{ $match: { scope: 'global' } }, sizes])
      .toArray()
    storedBytes = stored?.bytes ?? 0
  })
  after(() => database.drop())

  const askedBy = (ask: () => Promise<unknown>) => readsDuring(database.connection, ask)
  const bytesOf = (asked: readonly Noted[]) =>
    asked.reduce((sum, { responseLength }) => sum + responseLength, 0)

  const isFraction = (bytes: number) =>
    assert.ok(bytes > 1_000 && bytes < storedBytes / 4, `${bytes} of ${storedBytes}`)

  for (const zone of ['UTC', 'Asia/Kolkata'])
    it(`is a fraction of what is stored, /global in ${zone}`, async () => {
      const asked = await askedBy(() => world.globalUsage(whole, zone))
      assert.ok(storedBytes > 500_000, `${storedBytes} stored`)
      isFraction(bytesOf(asked))
      const answer = await world.globalUsage(whole, zone)
      const { unique_users, total_tokens } = naiveGlobal(world.log, whole, zone)
      assert.deepEqual([answer.unique_users, answer.total_tokens], [unique_users, total_tokens])
    })

  it('is a fraction of what is stored, /models', async () => {
    const free = () => ({ cost_nano_usd: null })
    const asked = await askedBy(() =>
      modelsUsage(world.store, { span: whole, timezone: 'UTC', compare: [] }, free),
    )
    isFraction(bytesOf(asked))
  })

  it('is no document of a user to tell how many there were on a day of another zone', async () => {
    const asked = await askedBy(() => world.globalUsage(whole, 'Asia/Kolkata'))
    const presence = asked.filter(
      ({ command }) => command.pipeline?.[0]?.$match?.user_id !== undefined,
    )
    const ofUsers = presence.filter(({ command }) => {
      return command.pipeline?.[0]?.$match?.user_id !== null
    })
    assert.ok(ofUsers.length > 0)
    for (const { ns, docsExamined } of ofUsers) assert.equal(docsExamined, 0, ns)
  })
})
