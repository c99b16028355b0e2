import assert from 'node:assert/strict'
import { seededRandom } from '../../scripts/simulator/random.js'
import { rollUp } from '../../src/rollup/roller.js'
import { dayMs, hourMs, minuteMs } from '../../src/time.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { readsDuring } from '../helpers/profiled.js'
import { KeepingWorld } from '../retention/world.js'

describe('the sums that accounts carry', () => {
  let database: FreshDatabase
  let world: KeepingWorld
  before(async () => {
    database = await freshDatabase()
    world = new KeepingWorld(database.connection, '2026-06-20T12:07:00Z')
    await world.store.prepare()
  })
  after(() => database.drop())

  const used = async (_id: string) => {
    const timestamp = new Date(world.now - minuteMs)
    await world.append([{ _id, user_id: 'alice', timestamp, input_tokens: 10 }])
    world.now += 1_000
  }
  const operations = async () => (await world.store.accounts.find('alice'))?.total_operations

  it('do not give way to those of a roller that stood still in between', async () => {
    await used('e1')
    await rollUp(world.door())
    const { totals } = world.store
    let goOn: () => void = () => undefined
    const stopped = new Promise<void>((resolve) => (goOn = resolve))
    let stands: () => void = () => undefined
    const standing = new Promise<void>((resolve) => (stands = resolve))
    const put: typeof totals.put = async (...args) => {
      stands()
      await stopped
      return totals.put(...args)
    }
    const others = new Proxy(totals, {
      get: (_, name) => {
        const verb = Reflect.get(totals, name) as (...args: unknown[]) => unknown
        return name === 'put' ? put : verb.bind(totals)
      },
    })
    const slow = rollUp({ ...world.door(), totals: others })
    await standing
    await used('e2')
    world.now += minuteMs
    await rollUp(world.door())
    assert.equal(await operations(), 2)
    goOn()
    await slow
    assert.equal(await operations(), 2)
  })

  it('are those of the log, however late it comes and whoever rolls up', async () => {
    const random = seededRandom(61)
    const one = <T>(of: readonly T[]) => of[Math.floor(random() * of.length)] as T
    const names = ['bob', 'carol', 'dave']
    for (let step = 0; step < 80; step++) {
      const events = Array.from({ length: one([0, 1, 3]) }, () => ({
        user_id: one(names),
        timestamp: new Date(world.now - one([0, hourMs, dayMs, 2 * dayMs, 9 * dayMs, 60 * dayMs])),
        input_tokens: Math.floor(random() * 1_000),
      }))
      await world.append(events)
      world.now += one([minuteMs, hourMs, 20 * hourMs, 3 * dayMs])
      await rollUp(world.door(one([0, 1])))
      for (const name of names) {
        const log = world.log.filter(({ user_id }) => user_id === name)
        const account = await world.store.accounts.find(name)
        assert.deepEqual(
          [account?.total_operations ?? 0, account?.total_tokens ?? 0],
          [log.length, log.reduce((sum, { tokens_used }) => sum + tokens_used, 0)],
          `${name} after step ${step}`,
        )
        const first = Math.min(...log.map(({ timestamp }) => timestamp.getTime()))
        assert.equal(account?.first_seen_at.getTime() ?? Infinity, first)
      }
    }
  })

  it('are those of the log after the clock was put back', async () => {
    const use = () => world.append([{ user_id: 'erin', timestamp: new Date(world.now - minuteMs) }])
    await use()
    await rollUp(world.door())
    world.now += 4 * dayMs
    await use()
    await rollUp(world.door())
    world.now -= 3 * dayMs
    await use()
    await rollUp(world.door())
    assert.equal((await world.store.accounts.find('erin'))?.total_operations, 3)
  })

  it('read the days of a week or so, not all that a user has', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `often-${index}`)
    const use = (ago: number) => {
      const timestamp = new Date(world.now - ago)
      return world.append(names.map((user_id) => ({ user_id, timestamp })))
    }
    for (let day = 40; day > 0; day--) await use(day * dayMs)
    // What was recorded just before a roll-up is looked at by the next one, too.
    for (let run = 0; run < 2; run++) {
      await rollUp(world.door())
      world.now += hourMs
    }
    await use(minuteMs)
    const reads = await readsDuring(database.connection, () => rollUp(world.door()))
    const days = reads.filter(({ ns, op }) => ns.endsWith('.daily_stats') && op === 'command')
    assert.ok(days.length > 0)
    const examined = days.reduce((sum, { docsExamined }) => sum + docsExamined, 0)
    assert.ok(examined > 0 && examined < 10 * names.length, `${examined} of ${40 * names.length}`)
    assert.equal((await world.store.accounts.find('often-7'))?.total_operations, 41)
  })

  it('of long ago are not kept by a roller that has missed what changed them', async () => {
    const { totals } = world.store
    const sums = { total_operations: 1, total_tokens: 1, total_cost_nano_usd: 0 }
    const at = new Date(world.now)
    const stale = {
      ...{ date: at, ...sums, total_unpriced_operations: 0, price_revisions: 0 },
      ...{ last_active_at: at, last_recorded_at: at },
    }
    for (const user of ['often-1', 'often-2']) {
      const before = await totals.kept([user])
      await totals.forget([user])
      await totals.keep(new Map([[user, stale]]), before)
      assert.equal((await totals.kept([user])).get(user)?.before, undefined)
      await totals.keep(new Map([[user, stale]]), await totals.kept([user]))
      assert.deepEqual((await totals.kept([user])).get(user)?.before, stale)
    }
  })
})
