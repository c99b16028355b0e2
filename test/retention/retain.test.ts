import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ledgerDoor } from '../../src/ledger/door.js'
import { writeBatch, type LedgerDoor } from '../../src/ledger/writer.js'
import { rebuildDays, verifyDay } from '../../src/rollup/rebuild.js'
import { rollUp } from '../../src/rollup/roller.js'
import type { RetentionDoor } from '../../src/retention/retain.js'
import { dayMs, hourMs, minuteMs } from '../../src/time.js'
import { event } from '../helpers/events.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import type { EventFacts } from '../rollup/support.js'
import { KeepingWorld } from './world.js'

const now = '2026-06-20T12:00:00Z'
const zones = ['UTC', 'Asia/Kathmandu', 'America/St_Johns']
const users = ['alice', 'bob', 'carol']

const draft = fc.record({
  ageMs: fc.oneof(
    fc.integer({ min: 0, max: 60 * dayMs }),
    fc.integer({ min: 34 * dayMs, max: 40 * dayMs }),
  ),
  user_id: fc.constantFrom(...users),
  model: fc.constantFrom('gpt-4o', 'claude'),
  input_tokens: fc.integer({ min: 0, max: 5000 }),
  cost_nano_usd: fc.constantFrom(null, 0, 123_456),
  response_time_ms: fc.constantFrom(1, 250),
  success: fc.boolean(),
})
const drafts = fc.array(draft, { minLength: 20, maxLength: 60 })

function factsOf(drawn: typeof drafts extends fc.Arbitrary<infer T> ? T : never): EventFacts[] {
  return drawn.map(({ ageMs, ...facts }) => ({
    ...facts,
    timestamp: new Date(Date.parse(now) - ageMs),
  }))
}

describe('deleting old logs', () => {
  let database: FreshDatabase
  let world: KeepingWorld
  beforeEach(async () => {
    database = await freshDatabase()
    world = new KeepingWorld(database.connection, now)
    await world.store.prepare()
  })
  afterEach(() => database.drop())

  const ago = (days: number, more: Partial<EventFacts> = {}): EventFacts => ({
    ...more,
    timestamp: new Date(world.now - days * dayMs),
  })
  /** Events of 60 days, in the rollups. */
  const live = async (facts: readonly EventFacts[]) => {
    await world.append(facts)
    world.now += hourMs
    await rollUp(world.door())
  }
  const all = () => ({ from: new Date(world.now - 70 * dayMs), to: new Date(world.now) })
  const whole = () => {
    const to = Date.parse('2026-06-21T00:00:00Z')
    return { from: new Date(to - 70 * dayMs), to: new Date(to) }
  }

  it('changes no byte of any answer in any zone, wherever it is cut off and begun anew', async function () {
    this.timeout(60_000)
    const property = fc.asyncProperty(
      drafts,
      fc.array(fc.nat(12), { maxLength: 6 }),
      async (drawn, cuts) => {
        await database.drop()
        database = await freshDatabase()
        world = new KeepingWorld(database.connection, now)
        await world.store.prepare()
        await live(factsOf(drawn))
        const before = await world.answers(whole(), users, zones)
        for (const cut of cuts) await world.retain(cutAfter(world.keeping(), cut)).catch(ignore)
        await Promise.all([world.retain(), world.retain(world.keeping(1))])
        assert.equal(await world.logsBefore(world.keptFrom), 0)
        assert.equal(await world.answers(whole(), users, zones), before)
        await rollUp(world.door())
        await rebuildDays(world.door(), world.days())
        assert.equal(await world.answers(whole(), users, zones), before)
        for (const day of world.days())
          assert.deepEqual((await verifyDay(world.door(), day)).differences, [])
      },
    )
    await fc.assert(property, { numRuns: 3, endOnFailure: true })
  })

  it('keeps the days that are young enough, whole', async () => {
    await live([ago(40), ago(36), ago(35)])
    const { horizon, deleted } = await world.retain()
    assert.deepEqual(horizon, world.keptFrom)
    assert.equal(deleted, 1)
    assert.equal(await world.logsBefore(new Date(world.now)), 2)
  })

  it('leaves alone what no roller has seen yet, and takes it once it has', async () => {
    await world.append([ago(50), ago(40)])
    await world.retain()
    assert.equal(await world.logsBefore(new Date(world.now)), 2)
    await live([])
    await world.append([ago(45)])
    await world.retain()
    assert.equal(await world.logsBefore(world.keptFrom), 2, 'up to the day that is dirty')
    await live([])
    await world.retain()
    assert.equal(await world.logsBefore(world.keptFrom), 0)
    assert.equal((await world.userUsage('alice', all(), 'UTC')).total_operations, 3)
  })

  it('is not undone by a roller that has read half of what is being deleted', async () => {
    await live([ago(40), ago(40, { user_id: 'bob' }), ago(40, { user_id: 'bob' })])
    const before = await world.answers(whole(), users, zones)
    const goOn = await staleRoller(world, 'bob')
    await world.retain()
    await goOn()
    assert.equal(await world.answers(whole(), users, zones), before)
  })

  it('counts each window before the horizon where it begins, so that adjoining spans add up', async () => {
    const at = new Date('2026-05-01T10:07:00Z')
    await live([{ timestamp: new Date(at.getTime() - minuteMs) }, { timestamp: at }])
    await world.retain()
    const count = async (from: string, to: string) => {
      const span = { from: new Date(from), to: new Date(to) }
      const { daily_usage, total_operations } = await world.userUsage('alice', span, 'UTC')
      const days = Object.values(daily_usage).map(({ operations }) => operations)
      assert.equal(
        days.reduce((sum, one) => sum + one, 0),
        total_operations,
      )
      return total_operations
    }
    assert.equal(await count('2026-05-01T09:00:00Z', '2026-05-01T10:07:00Z'), 2)
    assert.equal(await count('2026-05-01T10:07:00Z', '2026-05-01T11:00:00Z'), 0)
    assert.equal(await count('2026-05-01T10:00:00Z', '2026-05-01T11:00:00Z'), 2)
  })

  it('puts an event aside that comes when the logs of its day are gone', async () => {
    await live([ago(40)])
    await world.retain()
    const before = await world.answers(whole(), users, zones)
    const written = await writeBatch(door(), [event('a', ago(40))], {})
    assert.ok('done' in written)
    const { stored, refused } = written.done
    assert.deepEqual([stored, refused.map(({ code }) => code)], [0, ['beyond_retention']])
    assert.equal(await world.logsBefore(world.keptFrom), 0)
    assert.equal(await world.answers(whole(), users, zones), before)
  })

  it('takes an event back whose day was closed while it was being written', async () => {
    await live([ago(40, { user_id: 'bob' })])
    const slow: LedgerDoor = {
      ...door(),
      append: async (events) => {
        await world.retain()
        return door().append(events)
      },
    }
    const written = await writeBatch(slow, [event('a', ago(40)), event('b', ago(1))], {})
    assert.ok('done' in written)
    assert.deepEqual(
      written.done.refused.map(({ code }) => code),
      ['beyond_retention'],
    )
    assert.equal(written.done.stored, 1)
    assert.equal(await world.logsBefore(world.keptFrom), 0)
  })

  const door = (): LedgerDoor => ({
    ...ledgerDoor(world.store),
    serverNow: () => Promise.resolve(new Date(world.now)),
  })
})

const ignore = () => undefined

/** A door that fails at the call of that number, after having done it. */
function cutAfter(door: RetentionDoor, cut: number): RetentionDoor {
  let calls = 0
  const cutting = <T extends object>(target: T, names: readonly string[]): T =>
    new Proxy(target, {
      get(of, name) {
        const found: unknown = Reflect.get(of, name, of)
        if (typeof found !== 'function') return found
        return async (...given: unknown[]) => {
          const done: unknown = await Reflect.apply(found, of, given)
          if (names.includes(String(name)) && calls++ === cut) throw new Error('cut off')
          return done
        }
      },
    })
  return {
    ...door,
    state: cutting(door.state, ['advanceHorizon', 'advanceSealed']),
    intervals: cutting(door.intervals, ['seal', 'put']),
    days: cutting(door.days, ['seal', 'put']),
    retention: cutting(door.retention, ['deleteSome']),
  }
}

/** A roller that has read the windows of a user half deleted, with what is left stamped anew. */
async function staleRoller(world: KeepingWorld, userId: string) {
  const door = world.door(1)
  const rows = await door.rows.read([{ from: new Date(0), to: new Date(world.now) }], userId)
  assert.equal(rows[0]?.operations, 2)
  const last_recorded_at = new Date(world.now)
  const half = rows.map((row) => ({ ...row, operations: 1, last_recorded_at }))
  const stale = Object.create(door.rows, {
    touchedWindows: { value: () => Promise.resolve(half.map(({ start }) => start)) },
    read: { value: () => Promise.resolve(half) },
  }) as typeof door.rows
  return () => rollUp({ ...door, rows: stale })
}
