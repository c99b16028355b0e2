import assert from 'node:assert/strict'
import express from 'express'
import { startSimulator, type Simulator } from '../../scripts/simulator/index.js'
import { startApp, type TestApp } from '../helpers/app.js'
import { openaiClient } from '../simulator/support.js'
import { operation, type Handler } from './support.js'

describe('what a provider does in the background', () => {
  let simulator: Simulator
  let app: TestApp
  let handler: Handler
  before(async () => {
    simulator = await startSimulator()
    app = await startApp(
      (host) => host.post('/ai/chat', express.json(), (req, res) => handler(req, res)),
      { capture: { outbound: { hosts: [simulator.url] } } },
    )
  })
  beforeEach(() => simulator.reset())
  after(async () => {
    await app.close()
    await simulator.close()
  })

  const begin = () =>
    openaiClient(simulator).responses.create({
      ...{ model: 'gpt-4o-mini', input: 'Search the whole library.', background: true },
    })
  const ask = (id: string) => openaiClient(simulator).responses.retrieve(id)

  it('counts as is told of it at last, once, however often that is asked', async () => {
    handler = async (_req, res) => {
      let made = await begin()
      for (let asked = 0; asked < 4; asked++) made = await ask(made.id)
      res.json({ reply: made.output_text })
    }
    const event = await operation(app, 'patient')
    const [billed, ...more] = simulator.billed()
    assert.equal(more.length, 0)
    assert.deepEqual([event.token_source, event.attempts], ['provider', 1])
    assert.equal(event.generation_id, billed?.id)
    assert.deepEqual(
      [event.input_tokens, event.output_tokens],
      [billed?.input_tokens, billed?.output_tokens],
    )
    assert.ok((event.cost_nano_usd ?? 0) > 0)
  })

  it('counts for nobody who only asks for it', async () => {
    const { id } = await begin()
    await ask(id)
    handler = async (_req, res) => {
      const { output_text } = await ask(id)
      res.json({ reply: output_text.slice(0, 1) })
    }
    const { token_source } = await operation(app, 'other')
    assert.notEqual(token_source, 'provider')
  })

  it('is counted from what was asked where nobody stayed to hear of it', async () => {
    handler = async (_req, res) => {
      await begin()
      res.json({ reply: 'Come back tomorrow.' })
    }
    const event = await operation(app, 'hasty')
    assert.deepEqual([event.token_source, event.attempts], ['tokenizer', 1])
    assert.ok(event.input_tokens > 0)
    assert.equal(event.output_tokens, 0)
  })
})
