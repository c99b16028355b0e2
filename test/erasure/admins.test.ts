import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { isLeft } from '../../src/erasure/erase.js'
import { createStore } from '../../src/store/store.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import { documentsWith } from './everywhere.js'

const who = 'dora@example.org'
const own = `/users/${encodeURIComponent(who)}`

describe('erasing an admin', function () {
  this.timeout(60_000)
  let app: TestApp
  before(async () => {
    app = await startApp(() => undefined, { spool: false, rollup: { enabled: false } })
  })
  after(() => app.close())

  const as = async (user: string, method: string, path: string, body?: unknown) => {
    const headers = { ...bearer(user, { role: 'admin' }), 'content-type': 'application/json' }
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }
    const response = await fetch(`${app.url}/ai/usage${path}`, init)
    assert.ok(response.ok, `${method} ${path} ${response.status}`)
    return (await response.json()) as Record<string, unknown>
  }
  const left = async () => {
    const found = await documentsWith(app.database.connection, 'dora')
    return found.filter((text) => !text.startsWith('usage_erasures '))
  }
  const price = { input_usd_per_million: 1, output_usd_per_million: 2 }

  it('leaves their name nowhere as the author of a change, their own account included', async () => {
    const dora = (method: string, path: string, body?: unknown) => as(who, method, path, body)
    const { price_id } = await dora('POST', '/prices', { model: 'house-1', ...price })
    await dora('PATCH', `/prices/${String(price_id)}`, { input_usd_per_million: 4 })
    const gone = await dora('POST', '/prices', { model: 'house-2', ...price })
    await dora('DELETE', `/prices/${String(gone.price_id)}`)
    await dora('PATCH', '/plans/pro', { priority: 3 })
    await dora('POST', '/budgets', { scope: 'org', org_id: 'acme', limit_usd: 250 })
    await dora('PATCH', '/users/bob', { blocked: { reason: 'x' } })
    // Somebody else changes what she has blocked and priced.
    await as('root', 'PATCH', '/users/bob', { tier: 'pro' })
    await as('root', 'PATCH', `/prices/${String(price_id)}`, { input_usd_per_million: 5 })
    const { budget_id } = await dora('POST', '/budgets', {
      ...{ scope: 'user', user_id: who, limit_usd: 2 },
    })
    await dora('PATCH', `/budgets/${encodeURIComponent(String(budget_id))}`, { limit_usd: 3 })
    await dora('PATCH', own, { tier: 'pro', blocked: { reason: 'by herself' } })
    assert.equal((await app.send('DELETE', own)).status, 200)
    assert.deepEqual(await left(), [])
    const { data } = await app.admin<{ data: { updated_by: string }[] }>('/prices')
    assert.ok(data.every(({ updated_by }) => updated_by === 'root'))
  })

  it('looks for their name again where a change of theirs was under way', async () => {
    const audit = app.database.connection.collection('usage_audit')
    const at = new Date(Date.now() - 60_000)
    const after = { model: 'house-3', created_at: at, created_by: who, updated_by: who }
    await audit.insertOne({
      ...{ _id: 'late' as never, at, actor: who, action: 'price.create', outcome: 'applied' },
      ...{ resource: 'price', resource_id: 'p', after: { ...after, updated_at: at } },
    })
    const store = createStore(app.database.connection, systemClock)
    const isNamed = () => isLeft(store, { from: who, to: 'erased:x', until: new Date() })
    assert.equal(await isNamed(), true)
    await app.send('DELETE', own)
    assert.deepEqual(await left(), [])
    assert.equal(await isNamed(), false)
  })
})
