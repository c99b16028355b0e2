import assert from 'node:assert/strict'
import express from 'express'
import { startSimulator, type Simulator } from '../../scripts/simulator/index.js'
import { startApp, type TestApp } from '../helpers/app.js'
import { openaiClient } from '../simulator/support.js'
import { operation, startProvider } from './support.js'

describe('a call that is answered by an error under 200', () => {
  it('has used nothing', async () => {
    const provider = await startProvider((_req, res) => {
      res.setHeader('content-type', 'application/json')
      res.end(JSON.stringify({ error: { code: 'rate_limit', message: 'Later.' } }))
    })
    const app = await startApp(
      (host) => {
        host.post('/ai/chat', async (_req, res) => {
          await fetch(`${provider.url}/v1/chat/completions`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] }),
          }).then((response) => response.json())
          res.status(502).json({ error: 'try later' })
        })
      },
      { capture: { outbound: { hosts: [provider.url] } } },
    )
    const event = await operation(app, 'error')
    assert.deepEqual([event.tokens_used, event.token_source, event.attempts], [0, 'none', 1])
    await app.close()
    await provider.close()
  })
})

describe('a call that only the annotation knows', () => {
  let simulator: Simulator
  let app: TestApp
  before(async () => {
    simulator = await startSimulator()
    app = await startApp(
      (host, usage) => {
        host.post('/ai/chat', express.json(), async (req, res) => {
          const embedded = { model: 'text-embedding-3-small', input: 'Where is the key?' }
          await openaiClient(simulator).embeddings.create(embedded)
          usage.annotate(req, { model: 'gpt-4o', input_tokens: 110, output_tokens: 70 })
          res.json({ reply: 'Under the mat.' })
        })
      },
      { capture: { outbound: { hosts: [simulator.url] } } },
    )
  })
  after(async () => {
    await app.close()
    await simulator.close()
  })

  it('is added to embeddings that were seen, which write nothing', async () => {
    const event = await operation(app, 'rag')
    const embedded = simulator.billed().reduce((sum, call) => sum + call.input_tokens, 0)
    assert.ok(embedded > 0)
    assert.equal(event.input_tokens, 110 + embedded)
    assert.equal(event.output_tokens, 70)
    assert.equal(event.token_source, 'annotated')
    assert.equal(event.model, 'gpt-4o')
    assert.equal(event.cost_nano_usd, 110 * 2_500 + 70 * 10_000 + embedded * 20)
  })
})
