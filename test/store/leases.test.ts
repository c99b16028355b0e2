import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import mongoose, { type Connection } from 'mongoose'
import type { LeaseDoc } from '../../models/lease.js'
import { systemClock } from '../../src/clock.js'
import { createUsage, type Usage } from '../../src/index.js'
import { verifyDay } from '../../src/rollup/rebuild.js'
import { createStore } from '../../src/store/store.js'
import { dayMs, floorTo } from '../../src/time.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { quiet } from '../helpers/quiet.js'
import { until } from '../helpers/until.js'
import { listenIn, monitored, type Command } from '../security/commands.js'

const periodMs = 2_000
const cron = '*/2 * * * * *'

interface Instance {
  readonly usage: Usage
  readonly connection: Connection
  readonly heard: Command[]
}

/** A roll-up ends by moving how far it has come. */
const runsOf = ({ heard }: Instance) =>
  heard.filter(({ name, body }) => name === 'update' && body.update === 'usage_rollup_state').length

describe('instances that share a database', function () {
  this.timeout(60_000)
  let database: FreshDatabase
  let instances: Instance[]
  const start = async (): Promise<Instance> => {
    const connection = await mongoose.createConnection(database.uri, monitored).asPromise()
    const heard = listenIn(connection)
    const options = { identify: () => undefined, spool: false, logger: quiet } as const
    const usage = createUsage({ ...options, connection, rollup: { cron } })
    await usage.ready()
    return { usage, connection, heard }
  }
  const leases = () => database.connection.collection<LeaseDoc>('usage_leases')
  const active = () => instances.filter((one) => runsOf(one) > 0)
  beforeEach(async () => {
    database = await freshDatabase()
    instances = []
  })
  afterEach(async () => {
    await Promise.all(instances.map(({ usage }) => usage.close()))
    await Promise.all(instances.map(({ connection }) => connection.close()))
    await database.drop()
  })

  it('roll up once a period, and go on when the one that does so is killed or closed', async () => {
    instances = [await start(), await start(), await start()]
    const began = performance.now()
    await until(() => active().some((one) => runsOf(one) >= 4), 20_000)
    const periods = Math.ceil((performance.now() - began) / periodMs)
    const [holder, ...more] = active()
    assert.ok(holder)
    assert.deepEqual(more, [], 'more than one has run')
    assert.ok(runsOf(holder) <= periods + 1, `${runsOf(holder)} runs in ${periods} periods`)

    // What is killed neither renews nor gives back.
    instances = instances.filter((one) => one !== holder)
    await holder.connection.close(true)
    await until(() => active().length > 0, 2.5 * periodMs + periodMs)
    const [heir] = active()
    assert.ok(heir)
    assert.equal(active().length, 1)

    // What closes gives back: the next run is another's.
    const lease = await leases().findOne({ _id: 'rollup' })
    await heir.usage.close()
    assert.ok(lease && !(await leases().findOne({ _id: 'rollup', owner: lease.owner })))
    await until(() => active().length === 2, 2 * periodMs)
    await holder.usage.close()
  })

  it('leave a lease to who has got it from a question that came a moment later', async () => {
    const store = createStore(database.connection, systemClock)
    const ms = 60_000
    // The other's question is put when the database has begun to answer this one, and done before it.
    const until = new Date(Date.now() + ms + 5_000)
    await leases().insertOne({ _id: 'rollup', owner: 'other', until })
    assert.equal(await store.leases.take('rollup', 'late', ms), false)
    assert.equal(await store.leases.take('rollup', 'other', ms), true)
    assert.equal((await leases().findOne({ _id: 'rollup' }))?.owner, 'other')
  })

  it('run all the same under a lease of a clock that was wrong', async () => {
    const far = new Date('2199-01-01')
    await leases().insertOne({ _id: 'rollup', owner: 'nobody', until: far })
    instances = [await start()]
    await until(() => active().length === 1, 3 * periodMs)
  })

  it('give the right sums where no lease can be had and all of them roll up', async () => {
    const validate = (validator: object) =>
      database.connection.db?.command({ collMod: 'usage_leases', validator })
    instances = [await start(), await start(), await start()]
    await until(async () => (await leases().countDocuments()) > 0, 2 * periodMs)
    await validate({ _id: 'none' })
    const day = floorTo(Date.now(), dayMs) - 2 * dayMs
    for (let at = 0; at < 300; at += 1) {
      const event = { operation_type: 'chat', input_tokens: at, output_tokens: 1 }
      const timestamp = new Date(day + (at % 24) * 900_000).toISOString()
      await instances[at % 3]?.usage.record({ ...event, user_id: `user-${at % 7}`, timestamp })
      if (at % 50 === 0) await sleep(200)
    }
    await Promise.all(instances.map(({ usage }) => usage.flush()))
    const runs = instances.map(runsOf)
    const haveRun = () => instances.every((one, at) => runsOf(one) > (runs[at] ?? 0) + 1)
    await until(haveRun, 10 * periodMs)
    await validate({})
    const store = createStore(database.connection, systemClock)
    const { documents, differences } = await verifyDay(store, day)
    assert.deepEqual(differences, [])
    // 24 windows of several users and of all.
    assert.ok(documents > 2 * 24, String(documents))
  })
})
