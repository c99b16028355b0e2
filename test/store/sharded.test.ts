import assert from 'node:assert/strict'
import mongoose, { type Connection } from 'mongoose'
import { systemClock } from '../../src/clock.js'
import { rollUp } from '../../src/rollup/roller.js'
import { utcDays, verifyDay } from '../../src/rollup/rebuild.js'
import { createStore } from '../../src/store/store.js'
import { dayMs, floorTo } from '../../src/time.js'
import { shardCommands } from '../docs/scaling.js'
import { startShardedCluster, type ShardedCluster } from '../helpers/sharded.js'
import { until } from '../helpers/until.js'
import { listenIn, monitored, type Command } from '../security/commands.js'
import { explicable, stagesOf } from './sharding.js'
import { startHost, type Chat, type Host } from './host.js'

const users = Array.from({ length: 12 }, (_, at) => `user-${at}`)
const name = 'ai_usage'
const budget = { scope: 'global', limit_usd: 500 }
const free = { limits: [{ name: 'daily', metric: 'requests', window: 'day', limit: 5 }] } as const

describe('a sharded cluster', function () {
  this.timeout(120_000)
  let cluster: ShardedCluster
  let host: Host
  let connection: Connection
  let heard: Command[]
  const told: string[] = []
  before(async function () {
    const started = await startShardedCluster()
    if (started === undefined) {
      console.log('    skipped: this mongod cannot be a router (8.2 can)')
      this.skip()
    }
    cluster = started
    await cluster.admin({ enableSharding: name })
    for (const { collection, key } of shardCommands(name)) {
      await cluster.admin({ shardCollection: `${name}.${collection}`, key })
    }
    const uri = cluster.uri(name)
    connection = await mongoose.createConnection(uri, monitored).asPromise()
    heard = listenIn(connection)
    const options = { plans: { free }, rollup: { enabled: false } }
    host = await startHost(uri, options)
    host.usage.on('limit', ({ user_id = '' }) => void told.push(user_id))
    await host.usage.ready()
  })
  after(async () => {
    await (host as Host | undefined)?.close()
    await (connection as Connection | undefined)?.close()
    await (cluster as ShardedCluster | undefined)?.stop()
  })

  it('holds users to their limits, to the request', async () => {
    const all: Chat[] = []
    for (const user of users) {
      all.push(...(await Promise.all(Array.from({ length: 8 }, () => host.chat(user)))))
    }
    assert.deepEqual(
      all.filter(({ isDegraded }) => isDegraded),
      [],
    )
    assert.equal(all.filter(({ status }) => status === 200).length, 5 * users.length)
    assert.equal(all.filter(({ status }) => status === 429).length, 3 * users.length)
  })

  it('has every operation once, spread over the shards, as it has counters and accounts', async () => {
    const [earlier] = utcDays({ from: new Date(Date.now() - 2 * dayMs), to: new Date() })
    const timestamp = new Date(earlier ?? 0).toISOString()
    const event = { operation_type: 'chat', input_tokens: 7, output_tokens: 3, timestamp }
    for (const user_id of users) {
      for (const outcome of ['accepted', 'duplicate'] as const) {
        const recorded = await host.usage.record({ ...event, id: user_id, user_id })
        assert.equal(recorded.outcome, outcome)
      }
    }
    await host.usage.flush()
    const log = connection.collection('usage_logs')
    assert.equal(await log.countDocuments({ status: 'ok' }), 6 * users.length)
    for (const collection of ['usage_logs', 'usage_counters', 'usage_accounts']) {
      const counts = await cluster.counts(name, collection)
      assert.ok(
        counts.every((count) => count > 0),
        `${collection}: ${counts.join()}`,
      )
    }
    await until(() => told.length >= users.length, 10_000)
    assert.deepEqual(told.toSorted(), users.toSorted())
  })

  it('is rolled up, by several at once, to what the log says', async () => {
    const stores = [0, 1].map(() => createStore(connection, systemClock))
    await Promise.all(stores.map((store) => rollUp(store)))
    const counts = await cluster.counts(name, 'daily_stats')
    assert.ok(counts.every((count) => count > 0) && counts.length === 2, counts.join())
    const [store = createStore(connection, systemClock)] = stores
    for (const ago of [0, 1, 2]) {
      const { differences } = await verifyDay(store, floorTo(Date.now(), dayMs) - ago * dayMs)
      assert.deepEqual(differences, [])
    }
    const { total_operations, total_tokens } =
      await host.admin<Record<string, number>>('/global?days=7')
    const refused = 3 * users.length
    assert.equal(total_operations, 6 * users.length + refused)
    assert.equal(total_tokens, (5 * 100 + 10) * users.length)
    const one = await host.admin<Record<string, number>>('/user/user-3?days=7')
    assert.equal(one.total_tokens, 510)
  })

  it('takes what admins change', async () => {
    const statuses = [
      await host.send('PATCH', '/users/user-1', { blocked: { reason: 'test' } }),
      await host.send('PATCH', '/plans/pro', { priority: 3 }),
      await host.send('POST', '/budgets', budget),
      await host.send('POST', '/budgets', budget),
      await host.send('POST', '/prices', {
        ...{ model: 'house-model', input_usd_per_million: 1, output_usd_per_million: 2 },
      }),
    ]
    assert.deepEqual(statuses, [200, 200, 201, 409, 201])
    const { data } = await host.admin<{ data: unknown[] }>('/audit')
    assert.equal(data.length, 4)
  })

  it('asks one shard for a write, and for what a user has used', async () => {
    const store = createStore(connection, systemClock)
    heard.length = 0
    await store.counters.find(['user:user-1'])
    const span = { from: new Date(Date.now() - 7 * dayMs), to: new Date() }
    await store.days.readUser([span], 'user-1')
    await store.intervals.read([span], 'global')
    const docs = await store.days.read([span], { user_id: 'user-1' })
    assert.ok(docs.length > 0)
    await store.days.put(docs)
    await store.totals.put(await store.days.totals(['user-1']))
    const explained: string[] = []
    for (const command of heard.filter(({ name }) => name === 'find' || name === 'update')) {
      for (const one of explicable(command)) {
        const plan = await connection.db?.command({ explain: one, verbosity: 'queryPlanner' })
        const shards = new Set(JSON.stringify(plan).match(/"shardName":"\w+"/g))
        assert.equal(shards.size, 1, JSON.stringify(one))
        assert.ok(!stagesOf(plan).includes('COLLSCAN'), JSON.stringify(one))
        explained.push(command.name)
      }
    }
    assert.ok(explained.includes('find') && explained.includes('update'), explained.join())
  })
})
