import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import mongoose, { type Connection } from 'mongoose'
import { startOwnMongod, type OwnMongod } from '../helpers/own-mongod.js'
import { until } from '../helpers/until.js'
import { startHost, type Chat, type Host } from './host.js'

/** More than any pool has connections. */
const many = 30
const blockMs = 3_000

describe('a database in which some commands hang', function () {
  this.timeout(60_000)
  let mongod: OwnMongod
  let observer: Connection
  let host: Host
  before(async () => {
    mongod = await startOwnMongod(['--setParameter', 'enableTestCommands=1'])
    const uri = `mongodb://127.0.0.1:${mongod.port}/pools?directConnection=true`
    observer = await mongoose.createConnection(uri).asPromise()
    host = await startHost(uri, { rollup: { enabled: false } })
    await host.usage.ready()
    await host.chat('alice')
    await host.usage.flush()
  })
  afterEach(() => block('off', [], ''))
  after(async () => {
    await host.close()
    await observer.close()
    await mongod.stop()
  })

  const block = (mode: 'alwaysOn' | 'off', failCommands: string[], collection: string) => {
    const namespace = `pools.${collection}`
    const data = { failCommands, namespace, blockConnection: true, blockTimeMS: blockMs }
    const command = { configureFailPoint: 'failCommand', mode, ...(mode !== 'off' && { data }) }
    return observer.useDb('admin').db?.command(command)
  }
  const logged = () => observer.collection('usage_logs').estimatedDocumentCount()
  const chats = async (count: number): Promise<Chat[]> => {
    const all: Chat[] = []
    for (let at = 0; at < count; at += 1) all.push(await host.chat(`user-${at}`))
    return all
  }
  /** Whether it is still under way after a while. */
  const isHanging = (work: Promise<unknown>) =>
    Promise.race([work.then(() => false), sleep(100, true)])

  it('admits and stores as ever while all reads hang', async () => {
    await block('alwaysOn', ['aggregate', 'find'], 'usage_logs')
    const before = await logged()
    const reads = Promise.allSettled(Array.from({ length: many }, () => host.admin('/global')))
    assert.ok(await isHanging(reads))
    const all = await chats(20)
    await host.usage.flush()
    assert.equal((await logged()) - before, 20)
    assert.ok(await isHanging(reads), 'it took as long as the reads')
    assert.deepEqual(
      all.filter(({ status, isDegraded }) => status !== 200 || isDegraded),
      [],
    )
    const median = all.map(({ ms }) => ms).sort((a, b) => a - b)[10] ?? Infinity
    assert.ok(median < 100, `${median} ms`)
    await block('off', [], '')
    await reads
  })

  it('is called degraded while it answers, but not what there was in the last hour', async () => {
    const says = async (expected: string) => {
      const { status, database } = await host.admin<Record<string, string>>('/health')
      return `${status}, ${database}` === expected
    }
    await until(() => says('ok, up'), 20_000)
    const data = { failCommands: ['aggregate'], namespace: 'pools.usage_logs', errorCode: 50 }
    const failing = { configureFailPoint: 'failCommand', mode: 'alwaysOn', data }
    await observer.useDb('admin').db?.command(failing)
    await until(() => says('degraded, up'), 20_000)
    await block('off', [], '')
    await until(() => says('ok, up'), 20_000)
  })

  it('stores and answers as ever while all counters hang', async () => {
    await block('alwaysOn', ['findAndModify', 'update', 'find'], 'usage_counters')
    const before = await logged()
    const quotas = Promise.allSettled(Array.from({ length: many }, () => host.admin('/user/bob')))
    assert.ok(await isHanging(quotas))
    // Let through without asking: nobody waits longer than 250 ms.
    for (const { status, isDegraded } of await chats(5)) assert.ok(status === 200 && isDegraded)
    await host.usage.flush()
    assert.equal((await logged()) - before, 5)
    const { total_operations } = await host.admin<{ total_operations: number }>('/global?days=1')
    assert.ok(total_operations >= 5, String(total_operations))
    assert.ok(await isHanging(quotas), 'it took as long as the counters')
    await block('off', [], '')
    await quotas
  })

  it('admits and answers as ever while nothing can be stored', async () => {
    // The breaker closes again after a second.
    await until(async () => !(await host.chat('bob')).isDegraded, 10_000)
    await block('alwaysOn', ['insert'], 'usage_logs')
    const all = await chats(20)
    const flushing = host.usage.flush()
    await host.admin('/global?days=1')
    assert.ok(await isHanging(flushing))
    assert.deepEqual(
      all.filter(({ status, isDegraded }) => status !== 200 || isDegraded),
      [],
    )
    await block('off', [], '')
    await flushing
  })
})
