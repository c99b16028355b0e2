import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { UsageEvent } from '../../src/index.js'
import { systemClock } from '../../src/clock.js'
import { LiveHour, type Hour } from '../../src/insight/live-hour.js'
import { createStore, type Store } from '../../src/store/store.js'
import { floorTo, hourMs, minuteMs } from '../../src/time.js'
import { event } from '../helpers/events.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { readsDuring } from '../helpers/profiled.js'

const noon = Date.UTC(2026, 4, 1, 12)
/** What comes into view later than this after it was stamped may take as long to be seen. */
const soonMs = 30_000

/** What there is in a log, per minute and kind: operations, tokens, failures. */
function expected(events: readonly UsageEvent[], now: number) {
  const first = floorTo(now, minuteMs) - hourMs + minuteMs
  const of = events.filter(({ timestamp: at }) => +at >= first && +at < first + hourMs)
  const sums = new Map<string, [number, number, number]>()
  for (const { timestamp, operation_type, tokens_used, success } of of) {
    const key = `${floorTo(timestamp.getTime(), minuteMs)} ${operation_type}`
    const [operations, tokens, failures] = sums.get(key) ?? [0, 0, 0]
    sums.set(key, [operations + 1, tokens + tokens_used, failures + (success ? 0 : 1)])
  }
  return { users: new Set(of.map(({ user_id }) => user_id)).size, sums: inOrder(sums) }
}

const inOrder = (sums: Iterable<[string, number[]]>) =>
  [...sums].sort(([a], [b]) => (a < b ? -1 : 1))

function seen({ users, rows }: Hour) {
  const sums = new Map<string, [number, number, number]>()
  for (const row of rows) {
    const key = `${floorTo(row.start.getTime(), minuteMs)} ${row.operation_type}`
    const [operations, tokens, failures] = sums.get(key) ?? [0, 0, 0]
    sums.set(key, [
      operations + row.operations,
      tokens + row.tokens,
      failures + row.failed_operations,
    ])
  }
  return { users, sums: inOrder(sums) }
}

describe('the last hour', function () {
  this.timeout(120_000)
  let database: FreshDatabase
  let store: Store
  let now: number
  let elapsed = 0
  let isAway = false
  const logs = () => database.connection.collection<UsageEvent>('usage_logs')
  const clock = { now: () => now, elapsed: () => elapsed }
  const open = () => {
    const db = { serverNow: () => Promise.resolve(new Date(now)) }
    const { live } = store
    const traces: typeof live.traces = (...asked) =>
      isAway ? Promise.reject(new Error('away')) : live.traces(...asked)
    return new LiveHour({ live: { traces, parts: (...asked) => live.parts(...asked) }, db }, clock)
  }
  before(async () => {
    database = await freshDatabase()
    store = createStore(database.connection, systemClock)
    await store.prepare()
  })
  beforeEach(() => (now = noon))
  after(() => database.drop())

  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        user: fc.nat(5),
        // When it was, and since when it waits to be seen.
        agoMs: fc.oneof(fc.integer({ min: -4 * minuteMs, max: minuteMs }), fc.nat(2 * hourMs)),
        hiddenMs: fc.oneof(fc.nat(20_000), fc.nat(minuteMs)),
        type: fc.constantFrom('chat', 'embed'),
        success: fc.boolean(),
        tokens: fc.nat(1_000),
      }),
    },
    { weight: 1, arbitrary: fc.record({ erase: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ correct: fc.nat(5) }) },
    { weight: 3, arbitrary: fc.record({ waitMs: fc.nat(3 * minuteMs) }) },
    { weight: 3, arbitrary: fc.record({ waitMs: fc.nat(15_000) }) },
    { weight: 1, arbitrary: fc.record({ waitMs: fc.nat(hourMs) }) },
    { weight: 1, arbitrary: fc.record({ stepMs: fc.integer({ min: -hourMs, max: hourMs }) }) },
    { weight: 1, arbitrary: fc.record({ failMs: fc.integer({ min: -hourMs, max: 0 }) }) },
    { weight: 4, arbitrary: fc.constant('look' as const) },
  )
  type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

  let ids = 0
  async function take(one: Exclude<Step, 'look' | { failMs: number }>): Promise<void> {
    if ('stepMs' in one) now += one.stepMs
    else if ('waitMs' in one) {
      now += one.waitMs
      elapsed += one.waitMs
    } else if ('erase' in one) {
      const user_id = `erased-${(ids += 1)}`
      await change({ user_id: `user-${one.erase}` }, { user_id })
    } else if ('correct' in one) {
      await change({ user_id: `user-${one.correct}` }, { tokens_used: 7 })
    } else {
      const { user, agoMs, hiddenMs, type, success, tokens } = one
      await logs().insertOne({
        ...event(`e-${(ids += 1)}`, { user_id: `user-${user}`, operation_type: type, success }),
        ...{ tokens_used: tokens, timestamp: new Date(now - agoMs) },
        recorded_at: new Date(now - hiddenMs),
      })
    }
  }
  const change = (which: object, figures: object) => {
    const recorded_at = { $max: [{ $add: ['$recorded_at', 1] }, new Date(now)] }
    return logs().updateMany(which, [{ $set: { ...figures, recorded_at } }])
  }

  /** While the database's clock is put back. */
  async function failedLook(hour: LiveHour, backMs: number): Promise<void> {
    isAway = true
    now += backMs
    await assert.rejects(hour.look(), /away/)
    now -= backMs
    isAway = false
  }

  it('is at every look what the log says, whatever is recorded, late, corrected or erased', async () => {
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 60, size: 'max' }),
      async (steps) => {
        await logs().deleteMany({})
        now = noon
        const hour = open()
        // Of what came into view long after it was stamped, a look that follows at once need not know.
        let sureFrom = -Infinity
        for (const one of [...steps, { waitMs: soonMs }, 'look' as const]) {
          // Of a clock that is put back and forward between two looks, only the difference is seen.
          if (one === 'look' || 'stepMs' in one) {
            const all = await logs().find().toArray()
            const found = seen(await hour.look())
            if (now >= sureFrom) assert.deepEqual(found, expected(all, now))
          }
          if (one === 'look') continue
          if ('failMs' in one) {
            await failedLook(hour, one.failMs)
            continue
          }
          await take(one)
          if ('stepMs' in one) sureFrom = Math.min(sureFrom, now + soonMs)
          if ('hiddenMs' in one && one.hiddenMs > soonMs - 10_000) sureFrom = now + soonMs
        }
      },
    )
    await fc.assert(property, { numRuns: 40 })
  })

  it('is one look for all who ask while another is under way, and begins after it', async () => {
    const hour = open()
    await take({ user: 1, agoMs: 0, hiddenMs: 0, type: 'chat', success: true, tokens: 5 })
    const [first, ...later] = await Promise.all([hour.look(), hour.look(), hour.look()])
    const all = await logs().find().toArray()
    for (const one of [first, ...later]) assert.deepEqual(seen(one), expected(all, now))
    assert.equal(later[0], later[1])
    assert.notEqual(later[0], first)
  })

  it('reads again only the ten seconds in which something was recorded', async () => {
    await logs().deleteMany({})
    const perMinute = 50
    const docs = Array.from({ length: 60 * perMinute }, (_, index) => {
      const timestamp = new Date(noon - Math.floor(index / perMinute) * minuteMs)
      return { ...event(`m-${index}`, { timestamp }), recorded_at: timestamp }
    })
    await logs().insertMany(docs)
    const hour = open()
    const before = await hour.look()
    await take({
      user: 1,
      agoMs: 20 * minuteMs,
      hiddenMs: 0,
      type: 'chat',
      success: true,
      tokens: 5,
    })
    let after = before
    const noted = await readsDuring(database.connection, async () => {
      after = await hour.look()
    })
    const asked = noted.filter(({ command }) => command.aggregate === 'usage_logs')
    assert.equal(
      after.rows.reduce((sum, { operations }) => sum + operations, 0),
      docs.length + 1,
    )
    assert.equal(before.rows.length, 60)
    const read = asked.reduce((sum, { docsExamined }) => sum + docsExamined, 0)
    assert.ok(asked.length === 2 && read <= perMinute + 1, `${read} read`)
  })
})
