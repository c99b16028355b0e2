import assert from 'node:assert/strict'
import { modelsUsage } from '../../src/insight/models.js'
import { rollUp } from '../../src/rollup/roller.js'
import { dayMs, hourMs } from '../../src/time.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { listenIn, monitored, type Command } from '../security/commands.js'
import { naiveGlobal, naiveUser } from './naive.js'
import { span, World } from './support.js'

const days = 34
const late = 700

describe('very many late events, in as many windows', function () {
  this.timeout(60_000)
  let database: FreshDatabase
  let world: World
  let heard: Command[]
  const whole = span('2026-05-06', '2026-06-11')
  const free = () => ({ cost_nano_usd: null })

  before(async () => {
    database = await freshDatabase(monitored)
    world = new World(database.connection, '2026-06-10T12:00:00Z')
    await world.store.prepare()
    const ago = (ms: number) => new Date(world.now - ms)
    const early = Array.from({ length: days * 8 }, (_, index) => ({
      ...{ timestamp: ago((index * dayMs) / 8), user_id: index % 2 ? 'alice' : 'bob' },
      ...{ model: 'gpt-4o' },
    }))
    await world.append(early)
    world.now += hourMs
    await rollUp(world.door())
    const others = Array.from({ length: late }, (_, index) => ({
      ...{ timestamp: ago((index * days * dayMs) / late), user_id: index % 3 ? 'alice' : 'carol' },
      ...{ model: 'gpt-4o' },
    }))
    await world.append(others)
    heard = listenIn(database.connection)
  })
  after(() => database.drop())

  for (const zone of ['UTC', 'Asia/Kolkata']) {
    it(`are in every sum at once: ${zone}`, async () => {
      const mine = await world.userUsage('alice', whole, zone)
      const expected = naiveUser(world.log, 'alice', whole, zone)
      assert.equal(mine.total_operations, expected.total_operations)
      assert.deepEqual(mine.daily_usage, expected.daily_usage)
      const all = await world.globalUsage(whole, zone)
      const { unique_users, total_tokens, daily_usage } = naiveGlobal(world.log, whole, zone)
      assert.deepEqual([all.unique_users, all.total_tokens], [unique_users, total_tokens])
      const daily = Object.entries(all.daily_usage).map(([date, { cost_usd: _, ...day }]) => {
        return [date, day]
      })
      assert.deepEqual(Object.fromEntries(daily), daily_usage)
    })
  }

  it('are asked for in few questions, of few ranges each', async () => {
    const questions = {
      '/me': () => world.userUsage('alice', whole, 'UTC'),
      '/global': () => world.globalUsage(whole, 'UTC'),
      '/models': () =>
        modelsUsage(world.store, { span: whole, timezone: 'UTC', compare: [] }, free),
    }
    for (const [name, ask] of Object.entries(questions)) {
      heard.length = 0
      await ask()
      const asked = heard.filter((one) => one.name === 'find' || one.name === 'aggregate')
      assert.ok(asked.length < 150, `${name}: ${asked.length} questions`)
      for (const { body } of asked) {
        const ranges =
          JSON.stringify(body.filter ?? (body.pipeline as object[])[0]).split('"$gte"').length - 1
        assert.ok(ranges <= 30, `${name}: ${ranges} ranges`)
      }
    }
  })
})
