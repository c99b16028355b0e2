import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { ClockSteps } from '../../src/rollup/clock-steps.js'
import { rebuildDays, utcDays } from '../../src/rollup/rebuild.js'
import { rollUp } from '../../src/rollup/roller.js'
import { createStore } from '../../src/store/store.js'
import { dayMs } from '../../src/time.js'
import { startWorld } from '../contract/world.js'
import { bearer, type TestApp } from '../helpers/app.js'
import { until } from '../helpers/until.js'
import { listenIn, monitored, type Command } from '../security/commands.js'
import { explicable, faultsOf, shardKeysOf, stagesOf } from './sharding.js'

const limits = [
  { name: 'daily', metric: 'requests', window: 'day', limit: 1000, thresholds: [0.1] },
] as const

describe('what MongoDB is sent', function () {
  this.timeout(60_000)
  let app: TestApp
  let heard: Command[]
  /** Carried on by the test: what is known of plans and accounts becomes old. */
  let shift = 0
  before(async () => {
    const clock = { now: () => Date.now(), elapsed: () => performance.now() + shift }
    const plans = { free: { limits: [...limits] } }
    app = await startWorld({ plans, clock, rollup: { cron: '* * * * * *' } }, monitored)
    app.usage.on('threshold', () => undefined)
    app.usage.on('unpriced', () => undefined)
    heard = listenIn(app.database.connection)
  })
  after(() => app.close())

  const chat = async (user: string) => {
    const headers = { ...bearer(user), 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body: '{}' }
    for (const path of ['chat', 'mindmap'])
      await (await fetch(`${app.url}/ai/${path}`, init)).text()
  }
  /** Requests, their events, and a roll-up. */
  const traffic = async (users: readonly string[]) => {
    shift += 10_000
    await Promise.all(users.map(chat))
    await app.usage.record({ id: users.join(), user_id: 'job', operation_type: 'chat' })
    await app.usage.flush()
    // The app's own seem to take long when the clock is carried on meanwhile, and are left out then.
    await rollUp(storeOf(app), new ClockSteps(() => systemClock.elapsed()))
  }
  const administration = async () => {
    const answers = [
      await app.send('PATCH', '/users/carol', { tier: 'pro' }),
      await app.send('PATCH', '/plans/pro', { priority: 3 }),
      await app.send('POST', '/budgets', { scope: 'user', user_id: 'carol', limit_usd: 5 }),
      await app.send('POST', '/budgets', { scope: 'global', limit_usd: 500 }),
      await app.send('POST', '/prices', {
        ...{ model: 'house-model', input_usd_per_million: 1, output_usd_per_million: 2 },
      }),
      await app.send('DELETE', '/plans/pro'),
    ].map(({ status, body }) => `${status} ${JSON.stringify(body)}`)
    for (const answer of answers) assert.match(answer, /^20/)
  }

  it('names the shard key in every write, and nothing that a router refuses or broadcasts', async () => {
    await administration()
    await traffic(['carol', 'dave', 'erin'])
    await until(() => heard.some(({ body }) => body.findAndModify === 'usage_leases'), 10_000)
    const { connection } = app.database
    const store = storeOf(app)
    const now = Date.now()
    await rebuildDays(store, utcDays({ from: new Date(now - 2 * dayMs), to: new Date(now) }))
    await store.prepare()
    await app.usage.flush()
    const keys = shardKeysOf(connection)
    assert.equal(keys.size, 7)
    const faults = heard.flatMap((command) =>
      faultsOf(command, keys).map((fault) => `${fault}: ${JSON.stringify(command)}`),
    )
    assert.deepEqual(faults, [])
    const written = new Set(
      heard
        .filter(({ name }) => ['insert', 'update', 'findAndModify', 'delete'].includes(name))
        .map(({ name, body }) => String(body[name])),
    )
    for (const model of Object.values(connection.models)) {
      const name = model.collection.collectionName
      // See the last test.
      if (name !== 'usage_erasures') assert.ok(written.has(name), `nothing was written to ${name}`)
    }
  })

  it('finds by an index, in its order, what it needs on the way of a request', async () => {
    heard.length = 0
    await traffic(['frank', 'grace'])
    const db = app.database.connection.db
    const names = ['find', 'aggregate', 'update', 'findAndModify', 'delete']
    let explained = 0
    for (const command of heard.filter(({ name }) => names.includes(name))) {
      // All of what admins have made: it is little.
      if (isWhole(command)) continue
      for (const one of explicable(command)) {
        const plan = await db?.command({ explain: one, verbosity: 'queryPlanner' })
        const stages = stagesOf(plan)
        const bad = stages.filter((stage) => stage === 'COLLSCAN' || stage === 'SORT')
        assert.deepEqual(bad, [], JSON.stringify(one))
        assert.ok(stages.length > 0)
        explained += 1
      }
    }
    assert.ok(explained > 20, String(explained))
  })

  it('erases a person with what a router may send to all shards, and changes no shard key', async () => {
    heard.length = 0
    assert.equal((await app.send('DELETE', '/users/grace')).status, 200)
    assert.ok(heard.some(({ body }) => body.insert === 'usage_erasures'))
    const keys = shardKeysOf(app.database.connection)
    const reachesAll = /several|without the shard key/
    const faults = heard.flatMap((command) =>
      faultsOf(command, keys).filter((fault) => !reachesAll.test(fault)),
    )
    assert.deepEqual(faults, [])
    const rewritten = heard.filter(
      ({ name, body }) => name === 'update' && keys.get(String(body.update)),
    )
    assert.ok(rewritten.some(({ body }) => body.update === 'usage_logs'))
    for (const { body } of rewritten) {
      const fields = Object.keys(keys.get(String(body.update)) ?? {})
      for (const { u, multi } of body.updates as { u: object; multi?: boolean }[]) {
        const text = JSON.stringify(u)
        if (multi) for (const field of fields) assert.ok(!text.includes(`"${field}"`), text)
      }
    }
  })
})

const storeOf = ({ database }: TestApp) => createStore(database.connection, systemClock)

/** Reads a whole collection that only admins write to. */
function isWhole({ name, body }: Command): boolean {
  if (!['usage_plans', 'usage_prices', 'usage_budgets'].includes(String(body[name]))) return false
  const [stage] = Array.isArray(body.pipeline) ? (body.pipeline as object[]) : []
  if (stage !== undefined) return '$group' in stage
  return Object.keys(Object(body.filter) as object).length === 0
}
