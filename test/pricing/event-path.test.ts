import assert from 'node:assert/strict'
import express from 'express'
import type { UsageEvent } from '../../src/event.js'
import { createUsage, type UsageOptions } from '../../src/index.js'
import { bearer, secret, startApp, type TestApp } from '../helpers/app.js'

type Usage = Record<string, unknown>

const completion = (model: string, usage: Usage, more: object = {}) => ({
  ...{ id: 'x', object: 'chat.completion', model, choices: [] },
  ...{ usage: { prompt_tokens: 1000, completion_tokens: 500, ...usage }, ...more },
})

describe('the cost of a tracked request', function () {
  this.timeout(20_000)
  let app: TestApp
  afterEach(() => app.close())

  const costOf = async (body: object, options: Partial<UsageOptions> = {}, annotate?: object) => {
    app = await startApp((host, usage) => {
      host.use(express.json())
      host.post('/ai/chat', (req, res) => {
        if (annotate) usage.annotate(req, annotate)
        res.json(body)
      })
    }, options)
    await (await fetch(`${app.url}/ai/chat`, { method: 'POST', headers: bearer('alice') })).text()
    await app.usage.flush()
    const [event] = await app.database.connection.collection('usage_logs').find().toArray()
    const { cost_nano_usd, cost_source } = event as unknown as UsageEvent
    return { cost_nano_usd, cost_source }
  }

  it('comes from the catalogue', async () => {
    const body = completion('gpt-4o-mini-2024-07-18', {
      prompt_tokens_details: { cached_tokens: 400 },
      completion_tokens_details: { reasoning_tokens: 100 },
    })
    assert.deepEqual(await costOf(body), {
      cost_nano_usd: 600 * 150 + 400 * 75 + 500 * 600,
      cost_source: 'catalogue',
    })
    assert.equal((await app.admin('/global')).total_cost_usd, 0.00042)
  })

  it('comes from the host’s own price before that', async () => {
    const price = { input_usd_per_million: 3, output_usd_per_million: 15 }
    const pricing = { overrides: [{ model: 'gpt-4o-mini*', ...price }] }
    assert.deepEqual(await costOf(completion('gpt-4o-mini-2024-07-18', {}), { pricing }), {
      cost_nano_usd: 10_500_000,
      cost_source: 'override',
    })
  })

  it('is what the host says it was', async () => {
    const facts = { cost_usd: 0.25 }
    assert.deepEqual(await costOf(completion('gpt-4o-mini', {}), {}, facts), {
      cost_nano_usd: 250_000_000,
      cost_source: 'annotated',
    })
  })

  it('is unknown for a model that nobody prices', async () => {
    const unknown = { cost_nano_usd: null, cost_source: undefined }
    assert.deepEqual(await costOf(completion('house-1', {})), unknown)
    const { unpriced } = await app.admin<{ unpriced: { operations: number } }>('/global')
    assert.equal(unpriced.operations, 1)
  })

  it('is unknown without catalogue and own prices', async () => {
    const { cost_nano_usd } = await costOf(completion('gpt-4o-mini', {}), {
      pricing: { catalogue: false },
    })
    assert.equal(cost_nano_usd, null)
  })

  it('comes from a stored price for the very first event, though MongoDB is still to be reached', async () => {
    app = await startApp(() => undefined)
    const price = { model: 'house-1', input_usd_per_million: 3, output_usd_per_million: 15 }
    const made = await fetch(`${app.url}/ai/usage/prices`, {
      method: 'POST',
      headers: { ...bearer('root', { role: 'admin' }), 'content-type': 'application/json' },
      body: JSON.stringify({ ...price, effective_from: '2026-01-01' }),
    })
    assert.equal(made.status, 201)
    const early = createUsage({
      mongoUri: app.database.uri,
      auth: { secret, algorithms: ['HS256'] },
      pricing: { catalogue: false },
    })
    const tokens = { input_tokens: 1000, output_tokens: 500 }
    await early.record({ user_id: 'alice', operation_type: 'chat', model: 'house-1', ...tokens })
    await early.close()
    const found = await app.database.connection.collection('usage_logs').findOne({})
    assert.equal(found?.cost_nano_usd, 10_500_000)
  })

  it('is not made up where nobody knows the tokens', async () => {
    app = await startApp(() => undefined)
    const upload = { user_id: 'alice', operation_type: 'upload', model: 'gpt-4o-mini' }
    await app.usage.record(upload)
    await app.usage.flush()
    const found = await app.database.connection.collection('usage_logs').findOne({})
    assert.equal(found?.cost_nano_usd, null)
    assert.equal((await app.admin('/global')).unpriced_operations, 0)
  })
})
