import assert from 'node:assert/strict'
import { rollUp } from '../../src/rollup/roller.js'
import { minuteMs } from '../../src/time.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { KeepingWorld } from '../retention/world.js'

describe('the sums that accounts carry', () => {
  let database: FreshDatabase
  let world: KeepingWorld
  before(async () => {
    database = await freshDatabase()
    world = new KeepingWorld(database.connection, '2026-06-20T12:07:00Z')
    await world.store.prepare()
  })
  after(() => database.drop())

  const used = async (_id: string) => {
    const timestamp = new Date(world.now - minuteMs)
    await world.append([{ _id, user_id: 'alice', timestamp, input_tokens: 10 }])
    world.now += 1_000
  }
  const operations = async () => (await world.store.accounts.find('alice'))?.total_operations

  it('do not give way to those of a roller that stood still in between', async () => {
    await used('e1')
    await rollUp(world.door())
    const { accounts } = world.store
    let goOn: () => void = () => undefined
    const stopped = new Promise<void>((resolve) => (goOn = resolve))
    let stands: () => void = () => undefined
    const standing = new Promise<void>((resolve) => (stands = resolve))
    const putTotals: typeof accounts.putTotals = async (...args) => {
      stands()
      await stopped
      return accounts.putTotals(...args)
    }
    const slow = rollUp({ ...world.door(), accounts: { putTotals } } as never)
    await standing
    await used('e2')
    world.now += minuteMs
    await rollUp(world.door())
    assert.equal(await operations(), 2)
    goOn()
    await slow
    assert.equal(await operations(), 2)
  })
})
