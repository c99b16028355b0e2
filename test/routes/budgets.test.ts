import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { type TestApp } from '../helpers/app.js'
import { spend, startSpender } from '../limits/spender.js'

interface BudgetJson {
  budget_id: string
  limit_usd: number
  enforcement: string
  thresholds: number[]
  state: Record<string, unknown>
}

const free = { limits: [] }

describe('budgets by HTTP', function () {
  this.timeout(20_000)
  let app: TestApp
  // Ten days into a month of thirty.
  const start = Date.UTC(2026, 5, 11)
  const began = systemClock.elapsed()
  const now = () => start + systemClock.elapsed() - began
  const clock = { now, elapsed: () => systemClock.elapsed() }
  beforeEach(async () => {
    app = await startSpender({ plans: { free }, clock })
  })
  afterEach(() => app.close())

  const create = async (body: unknown) => {
    const answer = await app.send('POST', '/budgets', body)
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return answer.body as unknown as BudgetJson
  }
  const read = async (id: string) =>
    (await app.send('GET', `/budgets/${encodeURIComponent(id)}`)).body as unknown as BudgetJson

  it('say how far they are used, where that leads, and when they are exhausted', async () => {
    const { budget_id, ...made } = await create({ scope: 'user', user_id: 'alice', limit_usd: 10 })
    assert.deepEqual([budget_id, made.enforcement], ['user:alice@month', 'soft'])
    assert.deepEqual(made.thresholds, [50, 75, 90, 100])
    await spend(app, 'alice', { usd: 4 })
    const before = (await read(budget_id)).state
    assert.deepEqual([before.used_usd, before.used_percent, before.remaining_usd], [4, 40, 6])
    assert.equal(before.threshold_reached, null)
    assert.ok(Math.abs(Number(before.projected_usd) - 12) < 0.01)
    assert.match(String(before.exhausts_at), /^2026-06-2[56]/)
    await spend(app, 'alice', { usd: 7 })
    const { state } = await read(budget_id)
    assert.deepEqual([state.used_usd, state.remaining_usd, state.exhausted], [11, 0, true])
    assert.deepEqual([state.threshold_reached, state.exhausts_at], [100, null])
    assert.equal(state.period_end, '2026-07-01T00:00:00.000Z')
  })

  it('that are soft let through and mark the response; hard ones refuse', async () => {
    await create({ scope: 'user', user_id: 'alice', limit_usd: 1 })
    const { budget_id } = await create({
      ...{ scope: 'user', user_id: 'bob', limit_usd: 1, enforcement: 'hard' },
    })
    for (const user of ['alice', 'bob']) {
      const first = await spend(app, user, { usd: 2 })
      assert.deepEqual([first.status, first.headers.get('x-usage-limit-exceeded')], [200, null])
    }
    const soft = await spend(app, 'alice', { usd: 2 })
    assert.equal(soft.headers.get('x-usage-limit-exceeded'), 'budget-month')
    assert.equal(soft.status, 200)
    assert.equal((await spend(app, 'bob', { usd: 2 })).status, 429)
    const id = encodeURIComponent(budget_id)
    assert.equal((await app.send('PATCH', `/budgets/${id}`, { limit_usd: 5 })).status, 200)
    assert.equal((await spend(app, 'bob', { usd: 2 })).status, 200)
    assert.equal((await app.send('DELETE', `/budgets/${id}`)).status, 200)
    assert.equal((await spend(app, 'bob', { usd: 9 })).status, 200)
    assert.equal((await app.send('GET', `/budgets/${id}`)).status, 404)
  })

  it('hold organisations and all together', async () => {
    await create({ scope: 'org', org_id: 'acme', limit_usd: 3, enforcement: 'hard' })
    await create({ scope: 'global', limit_usd: 10, enforcement: 'hard' })
    const acme = { org: 'acme' }
    assert.equal((await spend(app, 'alice', { usd: 2 }, acme)).status, 200)
    assert.equal((await spend(app, 'bob', { usd: 2 }, acme)).status, 200)
    assert.equal((await spend(app, 'carol', { usd: 1 }, acme)).status, 429)
    assert.equal((await spend(app, 'dave', { usd: 7 })).status, 200)
    assert.equal((await spend(app, 'erin', { usd: 1 })).status, 429)
    const { data } = await app.admin<{ data: BudgetJson[] }>('/budgets')
    assert.deepEqual(
      data.map(({ budget_id, state }) => [budget_id, state.used_usd]),
      [
        ['global@month', 11],
        ['org:acme@month', 4],
      ],
    )
  })

  it('of a plan hold each of its users, and give way to their own', async () => {
    const change = { budget: { limit_usd: 1, enforcement: 'hard' } }
    assert.equal((await app.send('PATCH', '/plans/free', change)).status, 200)
    const own = await app.send('PATCH', '/users/bob', { budget: 'monthly-10' })
    assert.equal(own.status, 200, JSON.stringify(own.body))
    for (const user of ['alice', 'bob']) await spend(app, user, { usd: 2 })
    assert.equal((await spend(app, 'alice', { usd: 2 })).status, 429)
    assert.equal((await spend(app, 'bob', { usd: 2 })).status, 200)
    const { limits } = await app.as<{ limits: { name: string; limit: number; used: number }[] }>(
      'bob',
      '/me/quota',
    )
    const [budget] = limits
    assert.deepEqual([budget?.name, budget?.limit, budget?.used], ['budget-month', 10, 4])
    await app.send('PATCH', '/users/bob', { budget: null })
    assert.equal((await spend(app, 'bob', { usd: 2 })).status, 429)
  })

  it('of a user are all taken away by null, whatever their period', async () => {
    for (const period of ['day', 'month'])
      await app.send('PATCH', '/users/bob', { budget: { period, limit_usd: 1 } })
    assert.equal((await app.admin<{ data: unknown[] }>('/budgets?user_id=bob')).data.length, 2)
    await app.send('PATCH', '/users/bob', { budget: null })
    assert.deepEqual((await app.admin<{ data: unknown[] }>('/budgets?user_id=bob')).data, [])
  })

  it('are not listed by a scope that contradicts whose they are', async () => {
    const bad = await app.send('GET', '/budgets?scope=org&user_id=bob')
    assert.deepEqual([bad.status, bad.body.parameter], [400, 'scope'])
    assert.equal((await app.send('GET', '/budgets?scope=user&user_id=bob')).status, 200)
  })

  it('follow an admin who puts a user in an organisation and a zone', async () => {
    await create({ scope: 'org', org_id: 'acme', limit_usd: 1, enforcement: 'hard' })
    await create({ scope: 'user', user_id: 'alice', period: 'day', limit_usd: 5 })
    await app.send('PATCH', '/users/alice', { org_id: 'acme', timezone: 'Asia/Tokyo' })
    assert.equal((await spend(app, 'alice', { usd: 2 }, { org: 'other' })).status, 200)
    assert.equal((await spend(app, 'alice', { usd: 2 }, { org: 'other' })).status, 429)
    const { state } = await read('user:alice@day')
    assert.equal(state.period_start, '2026-06-10T15:00:00.000Z')
    const { data } = await app.admin<{ data: { org_id: string }[] }>('/logs?status=ok')
    assert.deepEqual(
      data.map(({ org_id }) => org_id),
      ['acme'],
    )
  })

  it('are there once per subject and period, and are audited', async () => {
    const body = { scope: 'user', user_id: 'alice', preset: 'monthly-100' }
    assert.equal((await create(body)).limit_usd, 100)
    const again = await app.send('POST', '/budgets', body)
    assert.deepEqual([again.status, again.body.code], [409, 'conflict'])
    await app.send('DELETE', `/budgets/${encodeURIComponent('user:alice@month')}`)
    await create(body)
    const { data } = await app.admin<{ data: { action: string; actor: string }[] }>(
      '/audit?resource=budget',
    )
    assert.deepEqual(
      data.map(({ action, actor }) => [action, actor]),
      ['create', 'delete', 'create'].map((verb) => [`budget.${verb}`, 'root']),
    )
  })

  for (const [body, field] of [
    [{ scope: 'user', limit_usd: 1 }, 'user_id'],
    [{ scope: 'global', user_id: 'alice', limit_usd: 1 }, 'user_id'],
    [{ scope: 'org', org_id: 'a\u0000', limit_usd: 1 }, 'org_id'],
    [{ scope: 'global' }, 'limit_usd'],
    [{ scope: 'global', limit_usd: 1, preset: 'monthly-10' }, 'limit_usd'],
    [{ scope: 'global', limit_usd: 0 }, 'limit_usd'],
    [{ scope: 'global', limit_usd: '5' }, 'limit_usd'],
    [{ scope: 'global', limit_usd: 5, thresholds: [-1] }, 'thresholds.0'],
    [{ scope: 'global', limit_usd: 5, period: 'year' }, 'period'],
    [{ scope: 'global', limit_usd: 5, currency: 'EUR' }, 'currency'],
  ] as const) {
    it(`refuse ${JSON.stringify(body)}, naming ${field}`, async () => {
      const answer = await app.send('POST', '/budgets', body)
      assert.deepEqual(
        [answer.status, answer.body.code, answer.body.field],
        [422, 'invalid_budget', field],
      )
    })
  }
})
