import assert from 'node:assert/strict'
import { createGateway, generateText, streamText } from 'ai'
import type { Request, Response } from 'express'
import { startApp, type TestApp } from '../helpers/app.js'
import { operation, startProvider, type Handler, type Provider } from './support.js'

/** What the gateway says of `openai/gpt-4o-mini`, without and with a key of the caller's own. */
const metadata = (cost: string) => ({
  gateway: {
    routing: {
      originalModelId: 'openai/gpt-4o-mini',
      canonicalSlug: 'openai/gpt-4o-mini',
      finalProvider: 'openai',
    },
    cost,
    marketCost: '0.0000135',
    generationId: 'gen_1',
  },
})
const usage = {
  inputTokens: { total: 50, noCache: 30, cacheRead: 20, cacheWrite: 0 },
  outputTokens: { total: 10, text: 10, reasoning: 0 },
}
const finishReason = { unified: 'stop', raw: 'stop' }

describe("the AI SDK behind Vercel's AI Gateway", () => {
  let gateway: Provider
  let app: TestApp
  let handler: Handler
  let cost = '0.00042'

  before(async () => {
    gateway = await startProvider((req, res) => {
      const providerMetadata = metadata(cost)
      if (req.headers['ai-language-model-streaming'] !== 'true') {
        res.setHeader('content-type', 'application/json')
        const content = [{ type: 'text', text: 'To Lisbon.' }]
        res.end(JSON.stringify({ content, finishReason, usage, providerMetadata, warnings: [] }))
        return
      }
      res.setHeader('content-type', 'text/event-stream')
      const parts = [
        { type: 'stream-start', warnings: [] },
        { type: 'response-metadata', id: 'r1', modelId: 'openai/gpt-4o-mini' },
        { type: 'text-start', id: '0' },
        { type: 'text-delta', id: '0', delta: 'To Lisbon.' },
        { type: 'text-end', id: '0' },
        { type: 'finish', finishReason, usage, providerMetadata },
      ]
      for (const part of parts) res.write(`data: ${JSON.stringify(part)}\n\n`)
      res.end('data: [DONE]\n\n')
    })
    const outbound = { hosts: [{ baseUrl: gateway.url, provider: 'vercel' }] }
    app = await startApp((host) => host.post('/ai/chat', (req, res) => handler(req, res)), {
      capture: { outbound },
    })
  })
  after(async () => {
    await app.close()
    await gateway.close()
  })

  const model = () =>
    createGateway({ apiKey: 'any', baseURL: `${gateway.url}/v1/ai` })('openai/gpt-4o-mini')
  const whole = async (_req: Request, res: Response) => {
    const { text } = await generateText({ model: model(), prompt: 'Where to?' })
    res.send(text)
  }
  const streamed = async (_req: Request, res: Response) => {
    const { textStream } = streamText({ model: model(), prompt: 'Where to?' })
    for await (const text of textStream) res.write(text)
    res.end()
  }

  for (const [name, ask] of Object.entries({ whole, streamed }))
    it(`is recorded with the gateway's figures and cost, ${name}`, async () => {
      handler = ask
      cost = '0.00042'
      const event = await operation(app, `ann-${name}`)
      assert.deepEqual(
        [event.provider, event.model, event.token_source, event.attempts],
        ['vercel', 'openai/gpt-4o-mini', 'provider', 1],
      )
      assert.deepEqual(
        [event.input_tokens, event.cache_read_tokens, event.output_tokens],
        [50, 20, 10],
      )
      assert.deepEqual([event.cost_nano_usd, event.cost_source], [420_000, 'provider'])
    })

  it("costs what the model's vendor takes where the key is the caller's own", async () => {
    handler = whole
    cost = '0'
    const event = await operation(app, 'byok')
    // $0.15 a million tokens, cached $0.075, and $0.60 for output.
    const nanoUsd = 30 * 150 + 20 * 75 + 10 * 600
    assert.deepEqual([event.cost_nano_usd, event.cost_source], [nanoUsd, 'catalogue'])
  })

  it('costs what all its steps do where the host hands on a result of several', async () => {
    handler = (_req, res) => {
      const step = (cost: string) => ({ content: [], usage, providerMetadata: metadata(cost) })
      const steps = [step('0.001'), step('0.002')]
      const totalUsage = { inputTokens: 100, outputTokens: 20, totalTokens: 120 }
      res.json({ ...steps[1], text: 'To Lisbon.', steps, totalUsage })
    }
    const event = await operation(app, 'steps')
    assert.deepEqual([event.cost_nano_usd, event.cost_source], [3_000_000, 'provider'])
    assert.deepEqual([event.model, event.tokens_used], ['openai/gpt-4o-mini', 120])
  })
})
