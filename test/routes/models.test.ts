import assert from 'node:assert/strict'
import type { ModelsUsage } from '../../src/insight/models.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'

describe('GET /models', function () {
  this.timeout(20_000)
  let app: TestApp
  before(async () => {
    app = await startApp(() => undefined)
    const job = { user_id: 'alice', operation_type: 'chat', provider: 'openai' }
    const tokens = { input_tokens: 1000, output_tokens: 500, cache_read_tokens: 400 }
    for (const response_time_ms of [100, 100, 100, 900]) {
      await app.usage.record({ ...job, ...tokens, model: 'gpt-4o-mini', response_time_ms })
    }
    await app.usage.record({ ...job, ...tokens, model: 'gpt-4o', success: false })
    await app.usage.record({ ...job, ...tokens, model: 'house-1', provider: 'acme' })
    await app.usage.record({ user_id: 'bob', operation_type: 'chat', input_tokens: 9 })
    await app.usage.flush()
  })
  after(() => app.close())
  const models = (query = '') => app.admin<ModelsUsage>(`/models${query}`)

  it('tells the models apart by use, cost, time and errors', async () => {
    const [first, ...others] = (await models()).models
    const { alternatives: _, p95_response_time_ms: p95, ...row } = first ?? assert.fail()
    // 600 × $0.15 + 400 × $0.075 + 500 × $0.60 per million, four times
    assert.deepEqual(row, {
      ...{ model: 'gpt-4o-mini', provider: 'openai', operations: 4, failed_operations: 0 },
      ...{ error_rate: 0, input_tokens: 4000, output_tokens: 2000, cache_read_tokens: 1600 },
      ...{ cache_write_tokens: 0, reasoning_tokens: 0, tokens: 6000, cost_usd: 0.00168 },
      ...{ cost_per_1k_tokens_usd: 0.00028, avg_response_time_ms: 300 },
      ...{ unpriced_operations: 0, unpriced_tokens: 0 },
    })
    assert.ok(p95 !== null && Math.abs(p95 - 900) < 45, String(p95))
    const failing = others.find(({ model }) => model === 'gpt-4o')
    assert.equal(failing?.error_rate, 100)
    assert.equal(failing.avg_response_time_ms, null)
  })

  it('shows what has no price as unpriced, by model, never as $0', async () => {
    const { models: rows, unpriced } = await models()
    const house = rows.find(({ model }) => model === 'house-1')
    assert.equal(house?.cost_usd, null)
    assert.equal(house.cost_per_1k_tokens_usd, null)
    assert.equal(house.unpriced_operations, 1)
    const expected = {
      operations: 2,
      tokens: 1509,
      models: [
        { model: 'house-1', provider: 'acme', operations: 1, tokens: 1500 },
        { model: null, provider: null, operations: 1, tokens: 9 },
      ],
    }
    assert.deepEqual(unpriced, expected)
    assert.deepEqual((await app.admin('/global')).unpriced, expected)
  })

  it('says what the same tokens would cost on the others, and on those asked for', async () => {
    const { models: rows } = await models('?compare=claude-opus-4-1,no-such-model')
    const alternatives = rows[0]?.alternatives ?? []
    // On gpt-4o: 600 × $2.50 + 400 × $1.25 + 500 × $10, four times; on Opus $15, $1.50 and $75
    assert.deepEqual(alternatives, [
      { model: 'gpt-4o', provider: 'openai', cost_usd: 0.028, difference_usd: 0.02632 },
      { model: 'claude-opus-4-1', provider: null, cost_usd: 0.1884, difference_usd: 0.18672 },
      { model: 'house-1', provider: 'acme', cost_usd: null, difference_usd: null },
      { model: 'no-such-model', provider: null, cost_usd: null, difference_usd: null },
    ])
    const house = rows.find(({ model }) => model === 'house-1')
    const cheap = house?.alternatives.find(({ model }) => model === 'gpt-4o-mini')
    assert.deepEqual(cheap, {
      ...{ model: 'gpt-4o-mini', provider: 'openai', cost_usd: 0.00042, difference_usd: null },
    })
  })

  it('takes spans as /global does, and up to 20 models to compare with', async () => {
    const { models: none, period_days } = await models('?from=2026-01-01&to=2026-01-03')
    assert.deepEqual({ none, period_days }, { none: [], period_days: 2 })
    const many = Array.from({ length: 21 }, (_, index) => `m${index}`)
    for (const compare of ['', ',', 'a,,b', 'a,', 'x'.repeat(257), many.join(',')]) {
      const url = `${app.url}/ai/usage/models?compare=${compare}`
      const response = await fetch(url, { headers: bearer('root', { role: 'admin' }) })
      assert.equal(response.status, 400, compare)
    }
    await models(`?compare=${many.slice(1).join(',')}`)
  })
})
