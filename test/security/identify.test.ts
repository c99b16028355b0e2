import assert from 'node:assert/strict'
import type { Identity } from '../../src/identity/identity.js'
import { startApp, type TestApp } from '../helpers/app.js'

describe('what the host says of a caller', () => {
  let app: TestApp
  let identity: unknown
  before(async () => {
    app = await startApp(
      (host) => host.post('/ai/chat', (_req, res) => void res.json({ ok: true })),
      {
        identify: () => Promise.resolve(identity as Identity),
      },
    )
  })
  after(() => app.close())

  const chat = async () => {
    const response = await fetch(`${app.url}/ai/chat`, { method: 'POST' })
    await response.text()
    assert.equal(response.status, 200, JSON.stringify(identity))
  }
  const isAdmin = async () => {
    const response = await fetch(`${app.url}/ai/usage/users`)
    await response.text()
    assert.ok([200, 403].includes(response.status), JSON.stringify(identity))
    return response.status === 200
  }

  it('is stored only where it is a name', async () => {
    const odd = [{ $ne: null }, ['acme'], 7.5, '', 'acme\n', '\ud800', 'x'.repeat(300), null]
    for (const value of odd) {
      identity = { user_id: 'alice', tier: value, org_id: value }
      await chat()
    }
    identity = { user_id: 'alice', tier: 'pro', org_id: 'acme' }
    await chat()
    await app.usage.flush()
    const logs = app.database.connection.collection('usage_logs')
    const docs = await logs.find().sort({ _id: 1 }).toArray()
    const last = docs.pop()
    assert.deepEqual([last?.tier, last?.org_id], ['pro', 'acme'])
    assert.equal(docs.length, odd.length)
    for (const doc of docs) {
      assert.deepEqual([doc.user_id, doc.tier, doc.org_id], ['alice', 'free', undefined])
    }
  })

  it('makes nobody an admin by anything but the word', async () => {
    const likeRoles = [{ 0: 'admin', length: 1 }, 'admin', true, 7, [['admin']], { admin: true }]
    const likeRole = [['admin'], { admin: true }, true, 'Admin']
    const wrong = [...likeRoles.map((roles) => ({ roles })), ...likeRole.map((role) => ({ role }))]
    for (const roles of wrong) {
      identity = { user_id: 'alice', ...roles }
      await chat()
      assert.equal(await isAdmin(), false, JSON.stringify(identity))
    }
    for (const roles of [{ role: 'admin' }, { roles: ['x', 'admin'] }]) {
      identity = { user_id: 'alice', ...roles }
      assert.equal(await isAdmin(), true)
    }
  })
})
