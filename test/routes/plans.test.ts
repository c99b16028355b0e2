import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'

interface PlanJson {
  tier: string
  limits: { name: string; limit: number }[]
  concurrency: number | null
  on_store_error: string
  changed: { revision: number; by: string } | null
}

const daily = { name: 'daily', metric: 'requests', window: 'day' } as const
const plans = { free: { limits: [{ ...daily, limit: 2 }] } }

describe('plans by HTTP', function () {
  this.timeout(20_000)
  let app: TestApp
  let ahead = 0
  const clock = { now: () => systemClock.now(), elapsed: () => systemClock.elapsed() + ahead }
  const mount: Parameters<typeof startApp>[0] = (host) => {
    host.post('/ai/chat', (_req, res) => void res.json({ ok: true }))
  }
  beforeEach(async () => {
    ahead = 0
    app = await startApp(mount, { plans, clock })
  })
  afterEach(() => app.close())

  const send: TestApp['send'] = (...asked) => app.send(...asked)
  const change = async (tier: string, body: unknown) => {
    const answer = await send('PATCH', `/plans/${tier}`, body)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    return answer.body as unknown as PlanJson
  }
  const statuses = async (times: number, tier = 'free', at = app) => {
    const found: number[] = []
    for (let index = 0; index < times; index++) {
      const init = { method: 'POST', headers: bearer('alice', { tier }) }
      const response = await fetch(`${at.url}/ai/chat`, init)
      await response.text()
      found.push(response.status)
    }
    return found
  }

  it('list those of the options, as they can be written again', async () => {
    const { data } = await app.admin<{ data: PlanJson[] }>('/plans')
    assert.deepEqual(
      data.map(({ tier, changed }) => [tier, changed]),
      ['basic', 'beta', 'enterprise', 'free', 'pro'].map((tier) => [tier, null]),
    )
    for (const { tier, limits } of data) {
      assert.deepEqual((await change(tier, { limits })).limits, limits)
    }
    const cost = data.flatMap(({ limits }) => limits).find(({ name }) => name === 'daily-cost')
    assert.equal(cost?.limit, 0.5)
  })

  it('change for everybody at once, keep what is used, and go back', async () => {
    assert.deepEqual(await statuses(3), [200, 200, 429])
    await change('free', { limits: [{ ...daily, limit: 3 }] })
    assert.deepEqual(await statuses(2), [200, 429])
    const { body } = await send('DELETE', '/plans/free')
    assert.equal((body.plan as PlanJson).limits[0]?.limit, 2)
    assert.deepEqual(await statuses(1), [429])
    assert.equal((await send('DELETE', '/plans/free')).status, 404)
  })

  it('can be made for new tiers, which fall to the default plan when they go', async () => {
    assert.deepEqual(await statuses(3, 'trial'), [200, 200, 429])
    const made = await change('trial', { limits: [], concurrency: 3, on_store_error: 'closed' })
    assert.deepEqual(
      [made.concurrency, made.on_store_error, made.changed?.by],
      [3, 'closed', 'root'],
    )
    assert.deepEqual(await statuses(1, 'trial'), [200])
    const { body } = await send('DELETE', '/plans/trial')
    assert.deepEqual(body, { tier: 'trial', plan: null })
    assert.deepEqual(await statuses(1, 'trial'), [429])
  })

  it('change field by field, null is as the options say', async () => {
    await change('free', { limits: [{ ...daily, limit: 9 }], concurrency: 5 })
    await change('free', { priority: 7 })
    const last = await change('free', { limits: null })
    assert.deepEqual([last.limits[0]?.limit, last.concurrency], [2, 5])
    assert.equal(last.changed?.revision, 3)
  })

  it('hold in every instance within ten seconds', async () => {
    const { connection } = app.database
    const elsewhere = await startApp(mount, { plans, clock, connection })
    try {
      assert.deepEqual(await statuses(3, 'free', elsewhere), [200, 200, 429])
      await change('free', { limits: [{ ...daily, limit: 3 }] })
      ahead = 10_000
      assert.deepEqual(await statuses(2, 'free', elsewhere), [200, 429])
    } finally {
      await elsewhere.close()
    }
  })

  it('are audited', async () => {
    await change('free', { priority: 7 })
    await send('DELETE', '/plans/free')
    const { data } = await app.admin<{ data: Record<string, unknown>[] }>('/audit?resource=plan')
    assert.deepEqual(
      data.map(({ action, before, after }) => [action, before, after]),
      [
        ['plan.delete', { priority: 7 }, null],
        ['plan.update', null, { priority: 7 }],
      ],
    )
  })

  const limit = { ...daily, limit: 1 }
  const refusals = [
    [{ limits: [{ ...limit, limit: 1.5 }] }, 'limits.0.limit'],
    [{ limits: [limit, limit] }, 'limits'],
    [{ limits: [{ ...limit, metric: 'words' }] }, 'limits.0.metric'],
    [{ limits: [{ ...limit, name: 'a b' }] }, 'limits.0.name'],
    [{ limits: { $gt: 0 } }, 'limits'],
    [{ priority: -1 }, 'priority'],
    [{ onStoreError: 'open' }, 'onStoreError'],
  ] as const
  for (const [body, field] of refusals) {
    it(`refuse ${JSON.stringify(body)}, naming ${field}`, async () => {
      const answer = await send('PATCH', '/plans/free', body)
      assert.equal(answer.status, 422)
      assert.deepEqual([answer.body.code, answer.body.field], ['invalid_plan', field])
    })
  }

  it('are not made, nor changed, by a body that says nothing of limits', async () => {
    for (const [tier, body, field] of [
      ['fre', {}, ''],
      ['fre', { priority: 7 }, 'limits'],
      ['fre', { limits: null }, 'limits'],
      ['free', {}, ''],
    ] as const) {
      const answer = await send('PATCH', `/plans/${tier}`, body)
      assert.deepEqual([answer.status, answer.body.code], [422, 'invalid_plan'])
      assert.equal(answer.body.field, field)
    }
    assert.equal((await send('DELETE', '/plans/fre')).status, 404)
  })

  it('refuse names that no plan can have', async () => {
    assert.equal((await send('PATCH', '/plans/a%20b', {})).status, 400)
  })
})
