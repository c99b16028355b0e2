import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'

const daily = { name: 'daily', metric: 'requests', window: 'day' } as const
const plans = {
  free: { limits: [{ ...daily, limit: 2 }] },
  pro: { limits: [{ ...daily, limit: 4 }] },
}

describe('accounts by HTTP', function () {
  this.timeout(20_000)
  let app: TestApp
  let ahead = 0
  const clock = {
    now: () => systemClock.now() + ahead,
    elapsed: () => systemClock.elapsed() + ahead,
  }
  const mount: Parameters<typeof startApp>[0] = (host) => {
    host.post('/ai/chat', (_req, res) => void res.json({ ok: true }))
  }
  beforeEach(async () => {
    ahead = 0
    app = await startApp(mount, { plans, clock })
  })
  afterEach(() => app.close())

  const send: TestApp['send'] = (...asked) => app.send(...asked)
  const change = async (user: string, body: unknown) => {
    const answer = await send('PATCH', `/users/${encodeURIComponent(user)}`, body)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    return answer.body
  }
  const chat = async (user: string, claims = {}) => {
    const headers = bearer(user, claims)
    const response = await fetch(`${app.url}/ai/chat`, { method: 'POST', headers })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const statuses = async (user: string, times: number, claims = {}) => {
    const found: number[] = []
    for (let index = 0; index < times; index++) found.push((await chat(user, claims)).status)
    return found
  }
  const audit = async (query = '') => {
    const { body } = await send('GET', `/audit${query}`)
    return body.data as Record<string, unknown>[]
  }

  it('put a user on another plan, whatever the token says', async () => {
    assert.deepEqual(await statuses('alice', 3), [200, 200, 429])
    await change('alice', { tier: 'pro' })
    assert.deepEqual(await statuses('alice', 3, { tier: 'free' }), [200, 200, 429])
    const headers = bearer('alice', { tier: 'free' })
    const response = await fetch(`${app.url}/ai/usage/me`, { headers })
    const me = (await response.json()) as { subscription_tier: string }
    assert.equal(me.subscription_tier, 'pro')
    await change('alice', { tier: null })
    assert.deepEqual(await statuses('alice', 1), [429])
  })

  it('change while the plan that a user is on is gone', async () => {
    await send('PATCH', '/plans/team', { limits: [{ ...daily, limit: 9 }] })
    await change('dora', { tier: 'team' })
    await send('DELETE', '/plans/team')
    const { overrides } = await change('dora', { overrides: [{ name: 'daily', limit: 1 }] })
    assert.equal((overrides as unknown[]).length, 1)
    assert.deepEqual(await statuses('dora', 2), [200, 429])
    await change('dora', { blocked: { reason: 'Chargeback' } })
    assert.deepEqual(await statuses('dora', 1), [403])
    const again = await send('PATCH', '/users/dora', { tier: 'team' })
    assert.deepEqual([again.status, again.body.field], [422, 'tier'])
  })

  it('make exceptions from one limit, for a while', async () => {
    const until = new Date(systemClock.now() + 60_000).toISOString()
    await change('alice', { overrides: [{ name: 'daily', limit: 3, until }] })
    assert.deepEqual(await statuses('alice', 4), [200, 200, 200, 429])
    const { body } = await send('GET', '/user/alice')
    const [limit] = body.quota as { limit: number; used: number }[]
    assert.deepEqual([limit?.limit, limit?.used], [3, 3])
    await change('alice', { overrides: [{ name: 'daily', limit: null, until }] })
    assert.deepEqual(await statuses('alice', 2), [200, 200])
    ahead = 61_000
    assert.deepEqual(await statuses('alice', 1), [429])
  })

  it('block a user, who is told why, and let go again', async () => {
    await change('alice', { blocked: { reason: 'Chargeback' } })
    const { status, body } = await chat('alice')
    assert.equal(status, 403)
    assert.equal(body.code, 'account_blocked')
    assert.match(String(body.detail), /Chargeback/)
    assert.deepEqual(await statuses('bob', 1), [200])
    await app.usage.flush()
    const log = await app.database.connection.collection('usage_logs').findOne({ user_id: 'alice' })
    assert.deepEqual([log?.status, log?.error_type], ['blocked', 'account_blocked'])
    const { body: blocked } = await send('GET', '/users?blocked=true')
    const rows = blocked.data as Record<string, unknown>[]
    assert.deepEqual(
      rows.map(({ user_id, state }) => [user_id, state]),
      [['alice', 'blocked']],
    )
    await change('alice', { blocked: null })
    assert.deepEqual(await statuses('alice', 1), [200])
  })

  it('show what each did today against the limits of a day', async () => {
    await statuses('alice', 3)
    await app.usage.flush()
    const { body } = await send('GET', '/users')
    const [row] = body.data as { today: Record<string, unknown> }[]
    assert.deepEqual(
      [row?.today.requests, row?.today.requests_limit, row?.today.tokens_limit],
      [3, 2, null],
    )
  })

  it('hold in every instance within ten seconds', async () => {
    const { connection } = app.database
    const elsewhere = await startApp(mount, { plans, clock, connection })
    const ask = async () => {
      const init = { method: 'POST', headers: bearer('alice') }
      const response = await fetch(`${elsewhere.url}/ai/chat`, init)
      await response.text()
      return response.status
    }
    try {
      assert.equal(await ask(), 200)
      await change('alice', { blocked: { reason: 'x' } })
      ahead = 10_000
      assert.equal(await ask(), 403)
    } finally {
      await elsewhere.close()
    }
  })

  it('are audited: who, when, before and after', async () => {
    await change('alice', { tier: 'pro' })
    await change('alice', { blocked: { reason: 'x' } })
    await send('PATCH', '/users/alice', { tier: 'no-such-plan' })
    const entries = await audit('?resource=account&resource_id=alice')
    assert.equal(entries.length, 2)
    const [second, first] = entries
    assert.deepEqual([first?.actor, first?.action, first?.before], ['root', 'account.update', null])
    assert.deepEqual([first?.after, first?.outcome], [{ tier: 'pro' }, 'applied'])
    assert.deepEqual(second?.before, { tier: 'pro' })
    assert.equal((second.after as { tier: string }).tier, 'pro')
    assert.deepEqual(await audit('?actor=nobody'), [])
    const { body } = await send('GET', '/audit?limit=1')
    const { next_cursor } = body.page as { next_cursor: string }
    const rest = await audit(`?cursor=${next_cursor}`)
    assert.deepEqual(
      rest.map(({ audit_id }) => audit_id),
      [first?.audit_id],
    )
  })

  it('keep every change of those who change one at once', async () => {
    const answers = await Promise.all([
      send('PATCH', '/users/alice', { tier: 'pro' }),
      send('PATCH', '/users/alice', { blocked: { reason: 'x' } }),
      send('PATCH', '/users/alice', { overrides: [{ name: 'daily', limit: 9 }] }),
    ])
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
    )
    const last = await change('alice', {})
    assert.equal(last.tier, 'pro')
    assert.equal((last.blocked as { reason: string }).reason, 'x')
    assert.deepEqual(last.overrides, [{ name: 'daily', limit: 9, until: null }])
    assert.equal(last.revision, 4)
  })

  const refusals = [
    [{ tier: 'nothing' }, 'tier'],
    [{ tier: { $ne: 'x' } }, 'tier'],
    [{ overrides: [{ name: 'weekly', limit: 1 }] }, 'overrides.0.name'],
    [{ overrides: [{ name: 'daily', limit: -1 }] }, 'overrides.0.limit'],
    [{ overrides: [{ name: 'daily', limit: 1.5 }] }, 'overrides.0.limit'],
    [{ overrides: [{ name: 'daily', limit: 1, until: '2001-01-01' }] }, 'overrides.0.until'],
    [
      {
        overrides: [
          { name: 'daily', limit: 1 },
          { name: 'daily', limit: 2 },
        ],
      },
      'overrides.1.name',
    ],
    [{ blocked: true }, 'blocked'],
    [{ blocked: { reason: '' } }, 'blocked.reason'],
    [{ role: 'admin' }, 'role'],
  ] as const
  for (const [body, field] of refusals) {
    it(`refuse ${JSON.stringify(body)}, naming ${field}, and change nothing`, async () => {
      const answer = await send('PATCH', '/users/alice', body)
      assert.equal(answer.status, 422)
      assert.deepEqual([answer.body.code, answer.body.field], ['invalid_account', field])
      assert.deepEqual(await audit(), [])
    })
  }
})
