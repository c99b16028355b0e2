import assert from 'node:assert/strict'
import fc from 'fast-check'
import { systemClock } from '../../src/clock.js'
import { Eraser } from '../../src/erasure/eraser.js'
import { KnownErasures } from '../../src/erasure/known-erasures.js'
import { verifyDay } from '../../src/rollup/rebuild.js'
import { rollUp } from '../../src/rollup/roller.js'
import { dayMs, hourMs, minuteMs, type Span } from '../../src/time.js'
import { freshDatabase } from '../helpers/mongo.js'
import { quiet } from '../helpers/quiet.js'
import { KeepingWorld } from '../retention/world.js'
import { naiveGlobal, naiveUser } from '../rollup/naive.js'
import { documentsWith } from './everywhere.js'

const start = '2026-06-20T12:07:00Z'
const people = ['person-alice', 'person-bob', 'person-carol']
const who = fc.constantFrom(...people)
const event = fc.record({
  user_id: who,
  ageMs: fc.oneof(
    // Dated ahead.
    fc.integer({ min: -4 * minuteMs, max: 0 }),
    fc.integer({ min: 0, max: 20 * minuteMs }),
    fc.integer({ min: 0, max: 30 * dayMs }),
  ),
  input_tokens: fc.integer({ min: 0, max: 900 }),
  client_request_id: fc.constant('mail to person-alice'),
})
const step = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), events: fc.array(event, { maxLength: 6 }) }),
  fc.record({
    kind: fc.constantFrom('roll up', 'retain', 'sweep', 'roll up while erasing'),
    user_id: who,
  }),
  fc.record({ kind: fc.constant('erase' as const), user_id: who }),
)
const life = fc.array(fc.record({ step, waitMs: fc.constantFrom(0, minuteMs, hourMs) }), {
  minLength: 6,
  maxLength: 12,
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
type Drawn = typeof event extends fc.Arbitrary<infer T> ? T : never

/** A world in which persons are erased, and what its log says then. */
class ErasingWorld extends KeepingWorld {
  readonly #known = new KnownErasures(this.store.erasures, systemClock, quiet)
  readonly #latest = new Map<string, { until: number; pseudonym: string }>()
  readonly eraser = new Eraser({
    store: { ...this.store, ...this.door(1), persons: this.store.persons },
    clock: systemClock,
    logger: quiet,
    known: this.#known,
    flush: () => Promise.resolve(),
    renameAside: () => Promise.resolve(true),
  })

  async erase(userId: string): Promise<void> {
    const until = this.now
    const { pseudonym, status } = await this.eraser.request(userId, 'root')
    assert.equal(status, 'erased')
    // What came late for the erasure before is that one's.
    this.renameLog()
    this.#latest.set(userId, { until, pseudonym })
    this.renameLog()
  }

  /** What the log says once everything is swept. */
  renameLog(): void {
    for (const one of this.log) {
      const erased = this.#latest.get(one.user_id)
      const at = Math.min(one.timestamp.getTime(), one.recorded_at.getTime())
      if (erased && at < erased.until) one.user_id = erased.pseudonym
    }
  }

  async sweep(): Promise<void> {
    this.now += hourMs
    await this.eraser.run()
    this.renameLog()
  }
}

async function live(world: ErasingWorld, step: Step): Promise<void> {
  const facts = (events: readonly Drawn[]) =>
    events.map(({ ageMs, ...more }) => ({ ...more, timestamp: new Date(world.now - ageMs) }))
  if (step.kind === 'append' && 'events' in step) return world.append(facts(step.events))
  if (!('user_id' in step)) return
  if (step.kind === 'erase') await world.erase(step.user_id)
  else if (step.kind === 'sweep') await world.sweep()
  else if (step.kind === 'retain') await world.retain()
  else if (step.kind === 'roll up') await rollUp(world.door())
  else await Promise.all([rollUp(world.door()), world.erase(step.user_id), rollUp(world.door())])
}

async function holds(world: ErasingWorld, span: Span): Promise<void> {
  const global = await world.globalUsage(span, 'Asia/Kathmandu')
  const {
    models: _,
    top_tokens,
    daily_usage,
    ...expected
  } = naiveGlobal(world.log, span, 'Asia/Kathmandu')
  for (const [name, value] of Object.entries(expected)) {
    assert.deepEqual(Reflect.get(global, name), value, name)
  }
  const daily = Object.entries(global.daily_usage).map(([date, { cost_usd: __, ...day }]) => [
    date,
    day,
  ])
  assert.deepEqual(Object.fromEntries(daily), daily_usage)
  assert.deepEqual(
    global.top_users.map(({ tokens }) => tokens),
    top_tokens,
  )
  for (const user of new Set(world.log.map(({ user_id }) => user_id))) {
    const own = await world.userUsage(user, span, 'UTC')
    for (const [name, value] of Object.entries(naiveUser(world.log, user, span, 'UTC'))) {
      assert.deepEqual(Reflect.get(own, name), value, `${user} ${name}`)
    }
  }
}

describe('erasing persons', () => {
  it('only renames, whatever runs meanwhile, and leaves no name anywhere', async function () {
    this.timeout(120_000)
    const property = fc.asyncProperty(
      life,
      fc.array(event, { minLength: 10 }),
      async (steps, old) => {
        const database = await freshDatabase()
        try {
          const world = new ErasingWorld(database.connection, start)
          await world.store.prepare()
          const past = (one: Drawn) => ({
            ...one,
            timestamp: new Date(world.now - Math.abs(2 * one.ageMs)),
          })
          await world.append(old.map(({ ageMs, ...more }) => past({ ageMs, ...more })))
          for (const { step, waitMs } of steps) {
            world.now += waitMs
            await live(world, step)
          }
          const span = {
            from: new Date(Date.parse('2026-04-18T18:15:00Z')),
            to: new Date('2026-06-30T18:15:00Z'),
          }
          await world.sweep()
          await holds(world, span)
          world.now += hourMs
          await rollUp(world.door())
          await holds(world, span)
          for (const person of people) await world.erase(person)
          await rollUp(world.door())
          await holds(world, span)
          for (const day of world.days())
            assert.deepEqual((await verifyDay(world.door(), day)).differences, [])
          const left = await documentsWith(database.connection, 'person-')
          assert.ok(
            left.every((text) => text.startsWith('usage_erasures ')),
            left.join('\n'),
          )
          world.now += 8 * dayMs
          await world.eraser.run()
          assert.deepEqual(await documentsWith(database.connection, 'person-'), [])
        } finally {
          await database.drop()
        }
      },
    )
    await fc.assert(property, { numRuns: 4, endOnFailure: true })
  })

  it('gives what came late after one erasure to that one, though it is asked for again before', async () => {
    const database = await freshDatabase()
    const world = new ErasingWorld(database.connection, start)
    await world.store.prepare()
    const did = (daysAgo: number, input_tokens: number) =>
      world.append([
        { user_id: 'person-alice', timestamp: new Date(world.now - daysAgo * dayMs), input_tokens },
      ])
    await did(3, 1)
    await world.erase('person-alice')
    await did(2, 2)
    world.now += dayMs
    await did(0.5, 4)
    await world.erase('person-alice')
    const logs = database.connection.collection('usage_logs')
    const found = await logs.find().sort({ input_tokens: 1 }).toArray()
    const [first, late, later] = found.map(({ user_id }) => String(user_id))
    assert.match(String(first), /^erased:/)
    assert.equal(late, first)
    assert.match(String(later), /^erased:/)
    assert.notEqual(later, first)
    await database.drop()
  })

  it('is forgotten after a week by every instance, but not where names may be left on its disk', async () => {
    const database = await freshDatabase()
    const world = new ErasingWorld(database.connection, start)
    await world.store.prepare()
    await world.erase('person-alice')
    const known = new KnownErasures(world.store.erasures, systemClock, quiet)
    let isRenamed = false
    const other = new Eraser({
      ...{ store: { ...world.store, ...world.door(1), persons: world.store.persons }, known },
      ...{ clock: systemClock, logger: quiet, flush: () => Promise.resolve() },
      renameAside: () => Promise.resolve(isRenamed),
    })
    world.now += 8 * dayMs
    await other.runHere()
    await other.run()
    assert.equal(known.open.length, 1)
    assert.equal((await documentsWith(database.connection, 'person-')).length, 1)
    isRenamed = true
    await other.runHere()
    assert.equal(known.open.length, 0)
    await other.runHere()
    assert.equal(known.open.length, 0)
    world.now += hourMs
    await other.run()
    assert.deepEqual(await documentsWith(database.connection, 'person-'), [])
    await database.drop()
  })
})
