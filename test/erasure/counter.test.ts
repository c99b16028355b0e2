import assert from 'node:assert/strict'
import { bearer } from '../helpers/app.js'
import { until } from '../helpers/until.js'
import { startSpender } from '../limits/spender.js'

interface Quota {
  limits: { used: number }[]
}

describe('the limits of a user who is erased and goes on meanwhile', function () {
  this.timeout(100_000)
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
    let meanwhile = 0
    const going = (async () => {
      for (; !enough.signal.aborted; meanwhile++) await call()
    })()
    const { status } = await app.send('DELETE', '/users/alice')
    assert.equal(status, 200)
    enough.abort()
    await going
    for (let i = 0; i < 20; i++) await call()
    await app.usage.flush()
    const logged = await app.database.connection
      .collection('usage_logs')
      .countDocuments({ user_id: 'alice' })
    const used = async () => (await app.as<Quota>('alice', '/me/quota')).limits[0]?.used ?? NaN
    // What came before this process had heard is in the log only, until the counter is at rest.
    // What was being said while they were erased is taken back within a minute.
    await until(async () => (await used()) <= logged, 75_000)
    assert.ok((await used()) >= Math.max(20, logged - meanwhile), `${await used()} of ${logged}`)
    const counters = app.database.connection.collection('usage_counters')
    const erased = await counters.countDocuments({ _id: /^user:erased:/ as never })
    assert.equal(erased, 1)
    await app.close()
  })
})
