import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import { until } from '../helpers/until.js'
import { documentsWith } from './everywhere.js'

const id = 'mallory@example.org'
const path = `/users/${encodeURIComponent(id)}`

interface Line {
  type: string
  log?: { request_id: string; cost_usd?: number }
  day?: Record<string, unknown>
  audit?: { by: string | null; after: unknown }
}

describe('DELETE /users/:user_id and the exports', function () {
  this.timeout(30_000)
  let app: TestApp
  let dir: string
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'erase-test-'))
    app = await startApp(
      (host, usage) => {
        host.post('/ai/chat', (req, res) => {
          usage.annotate(req, { input_tokens: 3, output_tokens: 4, conversation_id: 'c-1' })
          res.json({ ok: true })
        })
      },
      // A roller that is late leaves what is looked for again a minute later.
      { metadata: ['mail'], spool: { dir }, rollup: { enabled: false } },
    )
  })
  after(async () => {
    await app.close()
    await rm(dir, { recursive: true, force: true })
  })

  const chat = async (user: string) => {
    const headers = bearer(user, { tier: 'pro', role: 'admin' })
    const response = await fetch(`${app.url}/ai/chat`, { method: 'POST', headers })
    await response.text()
    return response.status
  }
  const job = { operation_type: 'job', input_tokens: 5, output_tokens: 6, cost_usd: 0.5 }
  const live = async (user: string) => {
    await chat(user)
    await app.usage.record({ ...job, id: `1 ${user}`, user_id: user, metadata: { mail: user } })
    const timestamp = new Date(Date.now() - 9 * 86_400_000).toISOString()
    await app.usage.record({ ...job, id: `2 ${user}`, user_id: user, timestamp })
    await app.usage.flush()
  }
  const totals = async () => {
    const { top_users: _, ...global } = await app.admin('/global?timezone=Asia/Kathmandu')
    return global
  }
  const lines = async (from: string, headers: Record<string, string>) => {
    const response = await fetch(`${app.url}/ai/usage${from}`, { headers })
    assert.equal(response.status, 200)
    const text = await response.text()
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line)
  }

  it('put a pseudonym in the place of a person everywhere, and totals stay', async () => {
    await live(id)
    await live('bob')
    await app.send('PATCH', path, { tier: 'pro', blocked: { reason: `asked by ${id}` } })
    await app.send('PATCH', path, { blocked: null, budget: { limit_usd: 9 } })
    const asThem = { ...bearer(id, { role: 'admin' }), 'content-type': 'application/json' }
    const body = JSON.stringify({ blocked: { reason: 'by them' } })
    await fetch(`${app.url}/ai/usage/users/bob`, { method: 'PATCH', headers: asThem, body })
    const before = await totals()
    const own = await app.admin(`/user/${encodeURIComponent(id)}`)
    const erased = await app.send('DELETE', path)
    assert.equal(erased.status, 200, JSON.stringify(erased.body))
    const { user_id } = erased.body
    assert.deepEqual(erased.body, { user_id, operations: 3, status: 'erased' })
    assert.deepEqual(await totals(), before)
    const isKnown = async () => {
      const { subscription_tier } = await app.admin(`/user/${String(user_id)}`)
      return subscription_tier === 'pro'
    }
    await until(isKnown, 10_000)
    const { user_id: _, quota, ...now } = await app.admin(`/user/${String(user_id)}`)
    const { user_id: __, quota: quotaBefore, ...then } = own
    assert.deepEqual(now, then)
    assert.deepEqual(quota, quotaBefore)
    const left = await documentsWith(app.database.connection, id)
    assert.ok(
      left.every((text) => text.startsWith('usage_erasures ')),
      left.join('\n'),
    )
    const again = await app.send('DELETE', path)
    assert.deepEqual(again, erased)
  })

  it('begin anew for what the same id does afterwards', async () => {
    await app.send('PATCH', '/users/eve', { blocked: { reason: 'for now' } })
    await chat('eve')
    assert.equal(await chat('eve'), 403)
    await app.send('DELETE', '/users/eve')
    assert.equal(await chat('eve'), 200)
    await app.usage.flush()
    const own = await app.as<{ total_operations: number }>('eve', '/me')
    assert.equal(own.total_operations, 1)
    await until(async () => {
      const { data } = await app.admin<{ data: { user_id: string }[] }>('/users?q=eve')
      return data.length === 1
    })
    const second = await app.send('DELETE', '/users/eve')
    assert.equal(second.body.operations, 1)
  })

  it('take what was recorded before, though it is dated ahead, and nothing that comes after', async () => {
    const timestamp = new Date(Date.now() + 4 * 60_000).toISOString()
    await app.usage.record({ ...job, user_id: 'tina', timestamp, metadata: { mail: 'tina' } })
    await app.usage.flush()
    const first = await app.send('DELETE', '/users/tina')
    assert.deepEqual([first.status, first.body.operations], [200, 1])
    const left = async () => {
      const found = await documentsWith(app.database.connection, 'tina')
      return found.filter((text) => !text.startsWith('usage_erasures '))
    }
    assert.deepEqual(await left(), [])
    await app.usage.record({ ...job, user_id: 'tina', timestamp })
    await app.usage.flush()
    const again = (await left()).filter((text) => text.startsWith('usage_logs '))
    assert.equal(again.length, 1)
    const second = await app.send('DELETE', '/users/tina')
    assert.notEqual(second.body.user_id, first.body.user_id)
    assert.deepEqual(await left(), [])
  })

  it('take what is just being counted', async () => {
    // What is counted is said 100 ms later.
    const users = Array.from({ length: 8 }, (_, index) => ({
      name: `u-${index}`,
      ms: 50 + 9 * index,
    }))
    for (const { name, ms } of users) {
      await app.usage.record({ ...job, user_id: name })
      await app.usage.flush()
      await sleep(ms)
      await app.send('DELETE', `/users/${name}`)
    }
    const { connection } = app.database
    const ids = users.map(({ name }) => `user:${name}`)
    const left = connection
      .collection<{ _id: string }>('usage_counters')
      .find({ _id: { $in: ids } })
    assert.deepEqual(await left.toArray(), [])
  })

  it('are the same for a user nobody has heard of, and refuse whom nobody is', async () => {
    const { status, body } = await app.send('DELETE', '/users/nobody')
    assert.deepEqual([status, body.operations, body.status], [200, 0, 'erased'])
    for (const name of ['anonymous', String(body.user_id)]) {
      const refused = await app.send('DELETE', `/users/${name}`)
      assert.deepEqual([refused.status, refused.body.code], [422, 'not_erasable'])
    }
    const { data } = await app.admin<{ data: unknown[] }>('/audit?action=user.erase')
    assert.ok(!JSON.stringify(data).includes('nobody'))
  })

  it('rename what was put aside on disk', async () => {
    const validate = (validator: object) =>
      app.database.connection.db?.command({ collMod: 'usage_logs', validator })
    await validate({ user_id: { $ne: 'frank' } })
    await app.usage.record({ ...job, user_id: 'frank', metadata: { mail: 'frank' } })
    await app.usage.flush()
    await validate({})
    const letters = async () => {
      const names = await readdir(join(dir, 'dead-letters'))
      const texts = names.map((name) => readFile(join(dir, 'dead-letters', name), 'utf8'))
      return (await Promise.all(texts)).join('')
    }
    assert.match(await letters(), /frank/)
    const { body } = await app.send('DELETE', '/users/frank')
    const kept = await letters()
    assert.ok(!kept.includes('frank') && kept.includes(String(body.user_id)), kept)
  })

  it('say everything of a person, and nothing of anybody else', async () => {
    await live('gina')
    await app.send('PATCH', '/users/gina', { tier: 'pro', budget: { limit_usd: 9 } })
    const all = await lines('/users/gina/export', bearer('root', { role: 'admin' }))
    const of = (type: string) => all.filter((line) => line.type === type)
    assert.equal(of('log').length, 3)
    assert.deepEqual(
      ['account', 'budget', 'quota'].map((type) => of(type).length),
      [1, 1, 1],
    )
    assert.equal(of('audit').length, 2)
    assert.ok(!JSON.stringify(all).includes('root'))
    assert.ok(of('log').some(({ log }) => log?.cost_usd === 0.5))
    const own = await lines('/me/export', bearer('gina'))
    assert.equal(own.filter(({ type }) => type === 'log').length, 3)
    assert.ok(!JSON.stringify(own.filter(({ type }) => type !== 'quota')).includes('cost'))
  })

  it('stop reading when the client leaves', async () => {
    const headers = bearer('root', { role: 'admin' })
    const left = new AbortController()
    const url = `${app.url}/ai/usage/users/gina/export`
    const response = await fetch(url, { headers, signal: left.signal })
    left.abort()
    await assert.rejects(response.text())
    assert.equal((await fetch(url, { headers, method: 'HEAD' })).status, 200)
  })
})
