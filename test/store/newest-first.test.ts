import assert from 'node:assert/strict'
import type { AuditDoc } from '../../models/audit.js'
import { systemClock } from '../../src/clock.js'
import type { UsageEvent } from '../../src/index.js'
import type { LogFilter, LogPosition } from '../../src/store/log-store.js'
import { createStore, type Store } from '../../src/store/store.js'
import { event } from '../helpers/events.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { readsDuring } from '../helpers/profiled.js'

const began = Date.UTC(2026, 4, 1)
const instant = (ms: number) => new Date(began + ms)

describe('pages, newest first', function () {
  this.timeout(30_000)
  let database: FreshDatabase
  let store: Store
  const logs = () => database.connection.collection<UsageEvent>('usage_logs')
  const log = (id: string, timestamp: Date, user_id: string): UsageEvent => {
    return { ...event(id), timestamp, user_id, recorded_at: timestamp }
  }
  beforeEach(async () => {
    database = await freshDatabase()
    store = createStore(database.connection, systemClock)
    await store.prepare()
  })
  afterEach(() => database.drop())

  async function allOf(filter: LogFilter, limit: number): Promise<string[]> {
    const ids: string[] = []
    let after: LogPosition | undefined
    for (;;) {
      const page = await store.logs.page(filter, after, limit)
      ids.push(...page.map(({ _id }) => _id))
      const last = page.at(-1)
      if (last === undefined || page.length < limit) return ids
      after = { timestamp: last.timestamp, id: last._id }
    }
  }

  it('show every event once, in one order, however many share a moment', async () => {
    const names = ['a', 'B', '\u{1f600}', '\uffee', 'é', '10', '9']
    const moments = Array.from({ length: 300 }, (_, index) => (index < 100 ? 5 : (index * 37) % 90))
    await logs().insertMany(
      moments.map((ms, index) => {
        return log(`${names[index % names.length] ?? ''}${index}`, instant(ms), `user-${index % 3}`)
      }),
    )
    const filters: [LogFilter, object][] = [
      [{}, {}],
      [{ user_id: 'user-1' }, { user_id: 'user-1' }],
      [
        { from: instant(3), to: instant(60) },
        { timestamp: { $gte: instant(3), $lt: instant(60) } },
      ],
    ]
    for (const [filter, which] of filters) {
      const all = await logs().find(which).sort({ timestamp: -1, _id: -1 }).toArray()
      const expected = all.map(({ _id }) => _id)
      for (const limit of [1, 7, 50, 100, 1_000])
        assert.deepEqual(await allOf(filter, limit), expected, `${JSON.stringify(filter)} ${limit}`)
    }
  })

  it('cost what is on them, not what is stored', async () => {
    const stored = 3_000
    const audits = database.connection.collection<AuditDoc>('usage_audit')
    for (let index = 0; index < stored; index += 500) {
      const some = Array.from({ length: 500 }, (_, more) => index + more)
      await logs().insertMany(some.map((at) => log(`e-${at}`, instant(at >> 1), `user-${at % 3}`)))
      const rest = {
        action: 'set',
        resource: 'plan',
        resource_id: 'a',
        outcome: 'applied',
      } as const
      await audits.insertMany(
        some.map((at) => ({ _id: `a-${at}`, at: instant(at), actor: 'root', ...rest })),
      )
    }
    const after = { timestamp: instant(800), id: 'e-1601' }
    const limit = 20
    const noted = await readsDuring(database.connection, async () => {
      assert.equal((await store.logs.page({}, undefined, limit)).length, limit)
      await store.logs.page({ user_id: 'user-2' }, undefined, limit)
      await store.logs.page({ endpoint: '/ai/chat' }, after, limit)
      await store.logs.page({ user_id: 'user-2', from: instant(5), to: instant(900) }, after, limit)
      await store.audit.page({}, { at: instant(900), id: 'a-900' }, limit)
      await store.audit.page({ actor: 'root' }, undefined, limit)
    })
    const asked = noted.filter(({ op }) => op === 'query')
    assert.ok(asked.length >= 6 && asked.length <= 12, String(asked.length))
    for (const { docsExamined, planSummary } of asked)
      assert.ok(docsExamined <= 3 * limit, `${planSummary}: ${docsExamined} read`)
  })
})
