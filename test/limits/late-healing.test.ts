import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../src/clock.js'
import type { UnrecordedEvent } from '../../src/event.js'
import type { UsageOptions } from '../../src/index.js'
import { LateHealing } from '../../src/limits/late-healing.js'
import { Rules } from '../../src/limits/rules.js'
import { Calendar } from '../../src/limits/windows.js'
import { parseOptions } from '../../src/options.js'
import { reprice } from '../../src/pricing/reprice.js'
import { createStore, type Store } from '../../src/store/store.js'
import type { TestApp } from '../helpers/app.js'
import { quiet } from '../helpers/quiet.js'
import { until } from '../helpers/until.js'
import {
  deadPid,
  event,
  freshDir,
  leaveBehind,
  removeDirs,
  setOwner,
} from '../ledger/spool/support.js'
import { spend, startSpender, usedBy } from './spender.js'

const limits = [
  { name: 'tokens', metric: 'tokens', window: 'month', limit: 10_000 },
  { name: 'cost', metric: 'cost', window: 'month', limit: 5 },
  { name: 'ever', metric: 'requests', window: 'lifetime', limit: 100 },
] as const
const plans = { free: { limits }, team: { limits }, open: { limits: [] } }
const orgPlan = 'team'

describe('what comes into the log late', function () {
  this.timeout(60_000)
  let app: TestApp
  let store: Store
  let dir: string
  /** How far the clocks of the database and of this look are ahead, ms. */
  let ahead = 0
  beforeEach(async () => {
    ahead = 0
    dir = await freshDir()
  })
  afterEach(() => app.close())
  after(removeDirs)

  const open = async (options: Partial<UsageOptions> = {}) => {
    const rollup = { enabled: false }
    app = await startSpender({ plans, orgPlan, rollup, spool: { dir }, ...options })
    store = createStore(app.database.connection, systemClock)
  }
  /** A process that begins to look; each call is a run. */
  const looks = (maxOwners?: number) => {
    const clock = { now: () => Date.now() + ahead, elapsed: () => systemClock.elapsed() }
    const options = {
      connection: app.database.connection,
      identify: () => undefined,
      plans,
      orgPlan,
      logger: quiet,
    }
    const rules = new Rules(parseOptions(options, false), store, () => Promise.resolve())
    const serverNow = async () => new Date((await store.db.serverNow()).getTime() + ahead)
    const { sums, counters, state } = store
    const door = { sums, counters, state, db: { serverNow } }
    const healing = new LateHealing({
      ...{ store: door, clock, rules },
      calendarOf: () => new Calendar('UTC'),
      ...(maxOwners !== undefined && { maxOwners }),
    })
    return () => healing.run()
  }
  const look = () => looks()()
  const used = (user: string) => usedBy(app, user)
  const counters = () => app.database.connection.collection<{ _id: string }>('usage_counters')
  const logs = () => app.database.connection.collection<UnrecordedEvent>('usage_logs')
  /** A dead process has left these events; the app takes them over. */
  const takeOver = async (events: readonly UnrecordedEvent[]) => {
    const left = await leaveBehind(dir, events)
    await setOwner(dir, left, { pid: deadPid, database: undefined })
    await open()
    await until(async () => (await logs().countDocuments()) === events.length)
  }

  it('from a dead process is counted, for users and organisations that had no counter', async () => {
    const facts = { user_id: 'newbie', org_id: 'acme', cost_nano_usd: 1_000_000_000 }
    await takeOver([event('a', facts), event('b', facts)])
    await look()
    assert.deepEqual(await used('newbie'), [0, 0, 0])
    ahead = 70_000
    await look()
    assert.deepEqual(await used('newbie'), [6, 2, 2])
    const org = await counters().findOne({ _id: 'org:acme' })
    assert.notEqual(org, null)
    await look()
    assert.deepEqual(await used('newbie'), [6, 2, 2])
    await spend(app, 'newbie', { tokens: 10 })
    assert.deepEqual(await used('newbie'), [16, 2, 3])
  })

  it('makes no counter for users that nothing limits', async () => {
    await takeOver([event('a', { user_id: 'free-rider', tier: 'open' })])
    ahead = 70_000
    await look()
    assert.equal(await counters().countDocuments(), 0)
  })

  it('of somebody who has been erased gives nobody a counter', async () => {
    await takeOver([event('a', { user_id: 'gone' })])
    assert.equal((await app.send('DELETE', '/users/gone')).status, 200)
    await logs().insertOne({
      ...event('b', { user_id: 'gone' }),
      recorded_at: new Date(),
      late: true,
    } as never)
    ahead = 70_000
    await look()
    assert.equal(await counters().countDocuments({ _id: 'user:gone' }), 0)
  })

  it('as a new price is counted, however long its users have been at rest', async () => {
    await open()
    await spend(app, 'ann', { tokens: 1_000, usd: 0.5 })
    await used('ann')
    const longAgo = new Date(Date.now() - 20 * 60_000)
    const isOld = { timestamp: longAgo, recorded_at: longAgo, cost_source: 'catalogue' as const }
    await logs().updateMany({}, { $set: isOld })
    await counters().updateMany({}, { $set: { updated_at: longAgo } })
    const price = () => ({ cost_nano_usd: 2_000_000_000, cost_source: 'catalogue' as const })
    const span = { from: new Date(longAgo.getTime() - 1), to: new Date() }
    const { changed } = await reprice(store, { span, price, dryRun: false })
    assert.equal(changed, 1)
    ahead = 70_000
    await look()
    assert.deepEqual(await used('ann'), [1_000, 2, 1])
  })

  it('is not counted together with what a process is about to tell', async () => {
    await takeOver([event('late', { user_id: 'ann' })])
    await logs().updateOne({}, { $set: { recorded_at: new Date(Date.now() - 70_000) } })
    const job = { user_id: 'ann', tier: 'free', operation_type: 'job' }
    await app.usage.record({ ...job, input_tokens: 1_000, output_tokens: 0 })
    await until(async () => (await logs().countDocuments()) === 2)
    await look()
    // Where the process was quicker, its counter is in use, and what came late has to wait.
    const [tokens = 0] = await used('ann')
    assert.ok(tokens === 1_003 || tokens === 1_000, String(tokens))
  })

  it('waits for what is set for its users, however long that takes to be read', async () => {
    await takeOver([event('a', { user_id: 'vip', tier: 'open' })])
    assert.equal((await app.send('PATCH', '/users/vip', { tier: 'free' })).status, 200)
    await counters().deleteMany({})
    ahead = 70_000
    const { accounts } = store
    const settingsSince = async (since?: Date) => {
      await sleep(400)
      return accounts.settingsSince(since)
    }
    const slow = Object.create(accounts, {
      settingsSince: { value: settingsSince },
    }) as Store['accounts']
    store = { ...store, accounts: slow }
    await look()
    assert.deepEqual(await used('vip'), [3, 0, 1])
  })

  it('is looked at whole where all of it was recorded at once', async () => {
    await open()
    const stamp = { recorded_at: new Date(Date.now() - 120_000), late: true }
    const rows = Array.from({ length: 25 }, (_, index) => ({
      ...event(`e${index}`, { user_id: `user-${index}` }),
      ...stamp,
    }))
    await logs().insertMany(rows as never)
    await looks(20)()
    assert.equal(await counters().countDocuments(), 25)
  })

  it('is looked at in portions, and nobody is left out', async () => {
    await open()
    const recordedAt = (index: number) => new Date(Date.now() - 120_000 + Math.floor(index / 7))
    const rows = Array.from({ length: 23 }, (_, index) => ({
      ...event(`e${index}`, { user_id: `user-${index}` }),
      ...{ recorded_at: recordedAt(index), late: true },
    }))
    await logs().insertMany(rows as never)
    const run = looks(20)
    await run()
    assert.equal(await counters().countDocuments(), 20)
    await run()
    assert.equal(await counters().countDocuments(), 23)
  })
})
