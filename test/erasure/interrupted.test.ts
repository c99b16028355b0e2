import assert from 'node:assert/strict'
import { erase, isLeft, type EraseDoor } from '../../src/erasure/erase.js'
import { verifyDay } from '../../src/rollup/rebuild.js'
import { rollUp } from '../../src/rollup/roller.js'
import { dayMs, floorTo, hourMs, minuteMs } from '../../src/time.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { KeepingWorld } from '../retention/world.js'

const pseudonym = 'erased:AAAAAAAAAAAAAAAAAAAAAA'

describe('an erasing that stands still in the middle', function () {
  this.timeout(60_000)
  let database: FreshDatabase
  let world: KeepingWorld
  beforeEach(async () => {
    database = await freshDatabase()
    world = new KeepingWorld(database.connection, '2026-06-20T22:07:00Z')
    await world.store.prepare()
  })
  afterEach(() => database.drop())

  const operations = (user_id: string, count: number, from: number) =>
    world.append(
      Array.from({ length: count }, (_, index) => ({
        ...{ user_id, timestamp: new Date(from + index * 1_000) },
      })),
    )
  /** What erasing uses, with some of it replaced. */
  const door = (persons: object): EraseDoor => ({
    ...world.store,
    ...world.door(1),
    persons: Object.assign(
      Object.create(world.store.persons) as typeof world.store.persons,
      persons,
    ),
  })
  /** The original, but for some methods; bound, since it has private fields. */
  const replacing = <T extends object>(original: T, methods: Partial<T>): T =>
    new Proxy(original, {
      get: (target, name) => {
        const found: unknown = Reflect.get(methods, name) ?? Reflect.get(target, name)
        return typeof found === 'function' ? (found.bind(target) as unknown) : found
      },
    })

  it('keeps retention from making a day final under two names', async () => {
    const day = floorTo(world.now - 36 * dayMs, dayMs)
    await operations('alice', 900, day + hourMs)
    world.now += hourMs
    await rollUp(world.door())
    const until = new Date(world.now)
    const asked = { _id: 'e', user_id: 'alice', pseudonym, generation: 1, until, operations: 0 }
    const times = { check_at: until, changed_at: until }
    const doc = { ...asked, ...times, status: 'pending' as const }
    assert.ok(await world.store.erasures.put(doc, undefined))
    const renaming = { from: 'alice', to: pseudonym, until }
    const { logs } = world.store.persons
    let renamed = 0
    const dying = replacing(logs, {
      rename: (...args: Parameters<typeof logs.rename>) =>
        renamed++ === 0 ? logs.rename(...args) : Promise.reject(new Error('killed')),
    })
    await assert.rejects(erase(door({ logs: dying }), renaming), /killed/)
    for (let run = 0; run < 3; run++) {
      world.now += hourMs
      await rollUp(world.door())
    }
    await world.retain()
    assert.equal(await world.logsBefore(new Date(day + dayMs)), 900)

    await erase(door({}), renaming)
    assert.equal(await isLeft(door({}), renaming), false)
    await world.store.erasures.done(doc, 900, new Date(world.now))
    for (let run = 0; run < 3; run++) {
      world.now += hourMs
      await rollUp(world.door())
    }
    await world.retain()
    assert.equal(await world.logsBefore(new Date(day + dayMs)), 0)
    const span = { from: new Date(day), to: new Date(day + dayMs) }
    assert.equal((await world.userUsage(pseudonym, span, 'UTC')).total_operations, 900)
    const all = await world.globalUsage(span, 'UTC')
    assert.deepEqual([all.total_operations, all.unique_users], [900, 1])
  })

  it('leaves nobody counted twice by who rolls up meanwhile', async () => {
    const day = floorTo(world.now - 3 * dayMs, dayMs)
    await operations('alice', 10, day + hourMs)
    await operations('bob', 10, day + hourMs)
    world.now += hourMs
    await rollUp(world.door())
    const renaming = { from: 'alice', to: pseudonym, until: new Date(world.now) }
    const { intervals } = world.store.persons
    let ran = false
    const slow = replacing(intervals, {
      some: async (...args: Parameters<typeof intervals.some>) => {
        if (!ran) await rollUp(world.door())
        ran = true
        return intervals.some(...args)
      },
    })
    await erase(door({ intervals: slow }), renaming)
    for (let run = 0; run < 5; run++) {
      world.now += 20 * minuteMs
      await rollUp(world.door())
    }
    const { differences } = await verifyDay(world.door(), day)
    assert.deepEqual(differences, [])
  })
})
