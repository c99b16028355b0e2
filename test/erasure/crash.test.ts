import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { Eraser, type EraserOptions } from '../../src/erasure/eraser.js'
import { KnownErasures } from '../../src/erasure/known-erasures.js'
import { verifyDay } from '../../src/rollup/rebuild.js'
import { rollUp } from '../../src/rollup/roller.js'
import { dayMs, hourMs, minuteMs } from '../../src/time.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { quiet } from '../helpers/quiet.js'
import { KeepingWorld } from '../retention/world.js'
import { documentsWith } from './everywhere.js'

type Store = EraserOptions['store']

/** The same store until `tick` throws; what was asked of it before that has happened. */
function dying<T extends object>(store: T, tick: () => void): T {
  return new Proxy(store, {
    get(of, key) {
      const value: unknown = Reflect.get(of, key, of)
      if (typeof value === 'function') {
        return (...args: unknown[]): unknown => {
          tick()
          return Reflect.apply(value, of, args)
        }
      }
      return typeof value === 'object' && value !== null ? dying(value, tick) : value
    },
  })
}

/** At every how-many-th call: `ERASE_EVERY=1` tries them all. */
const every = Number(process.env.ERASE_EVERY ?? 3)
const everybody = Array.from({ length: 60 }, (_, index) => `person-${index}-`)

describe('an erasure whose process dies', () => {
  let database: FreshDatabase
  let world: KeepingWorld
  before(async () => {
    database = await freshDatabase()
    world = new KeepingWorld(database.connection, '2026-06-20T12:07:00Z')
    await world.store.prepare()
    // Each has operations in what is final, in the rollups, and in the log only.
    for (const days of [40, 39, 2, 0]) {
      const timestamp = new Date(world.now - days * dayMs)
      await world.append(everybody.map((user_id) => ({ user_id, timestamp })))
    }
    world.now += hourMs
    await rollUp(world.door())
    await world.retain()
    const timestamp = new Date(world.now)
    await world.append(everybody.map((user_id) => ({ user_id, timestamp })))
  })
  after(() => database.drop())

  const eraserOn = (store: Store) =>
    new Eraser({
      ...{ store, clock: systemClock, logger: quiet },
      known: new KnownErasures(store.erasures, systemClock, quiet),
      flush: () => Promise.resolve(),
      renameAside: () => Promise.resolve(true),
    })
  const healthy = (): Store => ({ ...world.store, ...world.door(1), persons: world.store.persons })

  /** Erases somebody with a process that dies at this call of the store; false when it lived on. */
  async function dieAt(user_id: string, call: number): Promise<boolean> {
    let calls = 0
    const eraser = eraserOn(
      dying(healthy(), () => {
        calls += 1
        if (calls >= call) throw new Error('the process has died')
      }),
    )
    await eraser.request(user_id, 'root').catch(() => undefined)
    await eraser.stop()
    return calls >= call
  }

  it('is gone on with by another, wherever that was, and changes no sum', async function () {
    this.timeout(120_000)
    const erasures = database.connection.collection('usage_erasures')
    let died = 0
    let hasDied = true
    for (const user of everybody) {
      if (!hasDied) break
      hasDied = await dieAt(user, 1 + died * every)
      world.now += minuteMs
      const other = eraserOn(healthy())
      await other.run()
      const noted = await erasures.countDocuments({ user_id: user })
      // Whoever asked was told that it failed, and asks again.
      if (noted === 0) await other.request(user, 'root')
      if (hasDied) died += 1
    }
    await rollUp(world.door())
    const left = await documentsWith(database.connection, 'person-')
    const spared = everybody.slice(died + 1)
    const wrong = left.filter(
      (text) => !text.startsWith('usage_erasures ') && !spared.some((name) => text.includes(name)),
    )
    assert.deepEqual(wrong, [])
    assert.ok(!hasDied && died * every > 15, `${died * every} calls`)
    for (const day of world.days().filter((one) => one >= world.keptFrom.getTime()))
      assert.deepEqual((await verifyDay(world.door(), day)).differences, [])
    const span = { from: new Date(world.now - 90 * dayMs), to: new Date(world.now + dayMs) }
    const { total_operations } = await world.globalUsage(span, 'UTC')
    assert.equal(total_operations, world.log.length)
  })
})
