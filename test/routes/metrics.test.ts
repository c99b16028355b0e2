import assert from 'node:assert/strict'
import express from 'express'
import type { Usage, UsageOptions } from '../../src/index.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'

const completion = {
  ...{ object: 'chat.completion', model: 'gpt-4o-mini-2024-07-18', choices: [] },
  usage: {
    ...{ prompt_tokens: 1000, completion_tokens: 500, total_tokens: 1500 },
    prompt_tokens_details: { cached_tokens: 400 },
  },
}

describe('GET /metrics', function () {
  this.timeout(20_000)
  let app: TestApp
  const start = async (options: Partial<UsageOptions> = {}) => {
    app = await startApp((host) => {
      host.use(express.json())
      host.post('/ai/chat', (_req, res) => void res.json(completion))
    }, options)
    return app.usage
  }
  afterEach(() => app.close())
  const scrape = (headers: Record<string, string> = bearer('prom', { role: 'service' })) =>
    fetch(`${app.url}/ai/usage/metrics`, { headers })
  const samples = async () => {
    const lines = (await (await scrape()).text()).split('\n')
    return lines.filter((line) => line !== '' && !line.startsWith('#')).sort()
  }
  const job = { user_id: 'alice', operation_type: 'qa', input_tokens: 3, output_tokens: 4 }
  const record = (usage: Usage, model: string, more = {}) =>
    usage.record({ ...job, model, ...more })

  it('counts operations, tokens, cost, what is unpriced, and the ledger', async () => {
    const usage = await start()
    await (await fetch(`${app.url}/ai/chat`, { method: 'POST' })).text()
    await record(usage, 'house "1"\\', { provider: 'acme', id: 'one' })
    await record(usage, 'house "1"\\', { provider: 'acme', id: 'one' })
    await usage.flush()
    const house = String.raw`provider="acme",model="house \"1\"\\"`
    const mini = 'provider="openai",model="gpt-4o-mini-2024-07-18"'
    const all = await samples()
    for (const line of [
      `ai_usage_operations_total{operation_type="chat",status="ok",${mini}} 1`,
      `ai_usage_operations_total{operation_type="qa",status="ok",${house}} 1`,
      `ai_usage_tokens_total{type="input",${mini}} 1000`,
      `ai_usage_tokens_total{type="output",${mini}} 500`,
      `ai_usage_tokens_total{type="cache_read",${mini}} 400`,
      `ai_usage_cost_nano_usd_total{${mini}} 420000`,
      `ai_usage_unpriced_operations_total{${house}} 1`,
      'ai_usage_token_source_operations_total{token_source="provider"} 1',
      'ai_usage_token_source_operations_total{token_source="annotated"} 1',
      'ai_usage_ledger_depth 0',
      'ai_usage_ledger_events_total{outcome="stored"} 2',
      'ai_usage_ledger_events_total{outcome="dropped"} 0',
    ]) {
      assert.ok(all.includes(line), `${line}\nis not in\n${all.join('\n')}`)
    }
    assert.ok(!all.some((line) => line.startsWith('ai_usage_cost') && line.includes('acme')))
    assert.deepEqual(await samples(), all)
    const response = await scrape()
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  })

  it('counts figures of providers that were dropped as impossible', async () => {
    app = await startApp((host) => {
      host.post('/ai/chat', (_req, res) => {
        res.json({ ...completion, usage: { prompt_tokens: -5, completion_tokens: 1e12 } })
      })
    })
    await (await fetch(`${app.url}/ai/chat`, { method: 'POST' })).text()
    await app.usage.flush()
    const mini = 'provider="openai",model="gpt-4o-mini-2024-07-18"'
    const line = `ai_usage_dropped_figures_total{${mini}} 2`
    assert.ok((await samples()).includes(line), (await samples()).join('\n'))
  })

  it('keeps the number of series bounded, whatever models are named', async () => {
    const usage = await start()
    for (let i = 0; i < 300; i++) {
      await record(usage, `made-up-${i}`, { operation_type: `type-${i}`, provider: `p-${i}` })
    }
    const operations = (await samples()).filter((line) => line.startsWith('ai_usage_operations'))
    const values = (label: string) =>
      new Set(operations.map((line) => new RegExp(`${label}="([^"]*)"`).exec(line)?.[1]))
    assert.equal(values('operation_type').size, 51)
    assert.equal(values('model').size, 101)
    assert.equal(values('provider').size, 31)
    const counted = operations.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
    assert.equal(counted, 300)
  })

  it('is for admins and services, for all where opened, and gone where switched off', async () => {
    await start()
    assert.equal((await scrape({})).status, 401)
    assert.equal((await scrape(bearer('alice'))).status, 403)
    assert.equal((await scrape(bearer('root', { role: 'admin' }))).status, 200)
    await app.close()
    await start({ metrics: { public: true } })
    assert.equal((await scrape({})).status, 200)
    await app.close()
    await start({ metrics: false })
    assert.equal((await scrape()).status, 404)
  })
})
