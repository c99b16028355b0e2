import assert from 'node:assert/strict'
import { startApp, type TestApp } from '../helpers/app.js'

interface Page {
  data: { user_id: string; subscription_tier: string }[]
}

describe('accounts of a tier', function () {
  this.timeout(20_000)
  let app: TestApp
  beforeEach(async () => {
    app = await startApp(() => undefined)
    await app.send('PATCH', '/plans/gold', { limits: [] })
    await app.send('PATCH', '/users/blocked', { blocked: { reason: 'Chargeback' } })
    await app.send('PATCH', '/users/promoted', { tier: 'pro' })
    for (const [user_id, tier] of Object.entries({ miner: 'gold', payer: 'pro', guest: 'free' }))
      await app.usage.record({ user_id, tier, operation_type: 'chat' })
    await app.usage.flush()
  })
  afterEach(() => app.close())

  const usersOf = async (tier: string, from = app) => {
    const { data } = await from.admin<Page>(`/users?sort=user_id&tier=${tier}`)
    for (const row of data) assert.equal(row.subscription_tier, tier)
    return data.map(({ user_id }) => user_id)
  }

  it('are those that show it, also where nobody has seen them yet', async () => {
    assert.deepEqual(await usersOf('free'), ['blocked', 'guest'])
    assert.deepEqual(await usersOf('pro'), ['payer', 'promoted'])
    assert.deepEqual(await usersOf('gold'), ['miner'])
    assert.deepEqual(await usersOf('basic'), [])
  })

  it('are of the default plan when theirs is gone', async () => {
    await app.send('DELETE', '/plans/gold')
    assert.deepEqual(await usersOf('gold'), [])
    assert.deepEqual(await usersOf('free'), ['blocked', 'guest', 'miner'])
  })

  it('are known to an instance from its first answer on', async () => {
    const other = await startApp(() => undefined, { connection: app.database.connection })
    try {
      assert.deepEqual(await usersOf('pro', other), ['payer', 'promoted'])
    } finally {
      await other.close()
    }
  })
})
