import assert from 'node:assert/strict'
import { bearer } from '../helpers/app.js'
import { until } from '../helpers/until.js'
import { startSpender } from '../limits/spender.js'

interface Quota {
  limits: { used: number }[]
}

describe('the limits of a user who is erased and goes on meanwhile', () => {
  it('are those of a new account', async () => {
    const limits = [{ name: 'daily', metric: 'requests', window: 'day', limit: 1_000 }] as const
    const app = await startSpender({ plans: { free: { limits } } })
    const call = async () => {
      const url = `${app.url}/ai/chat?tokens=1`
      await (await fetch(url, { method: 'POST', headers: bearer('alice') })).text()
    }
    for (let i = 0; i < 100; i++) await call()
    await app.usage.flush()
    const enough = new AbortController()
    const going = (async () => {
      while (!enough.signal.aborted) await call()
    })()
    const { status } = await app.send('DELETE', '/users/alice')
    assert.equal(status, 200)
    for (let i = 0; i < 20; i++) await call()
    enough.abort()
    await going
    await app.usage.flush()
    const logged = await app.database.connection
      .collection('usage_logs')
      .countDocuments({ user_id: 'alice' })
    const used = async () => (await app.as<Quota>('alice', '/me/quota')).limits[0]?.used ?? NaN
    await until(async () => Math.abs((await used()) - logged) <= 2)
    const counters = app.database.connection.collection('usage_counters')
    const erased = await counters.countDocuments({ _id: /^user:erased:/ as never })
    assert.equal(erased, 1)
    await app.close()
  })
})
