import assert from 'node:assert/strict'
import { GoogleGenAI } from '@google/genai'
import express from 'express'
import { startSimulator, type Simulator } from '../../scripts/simulator/index.js'
import type { UsageEvent } from '../../src/index.js'
import { token } from '../helpers/app.js'
import { expected, payload } from '../helpers/fixtures.js'
import { anthropicClient, openaiClient, settledCall } from '../simulator/support.js'
import {
  anthropic,
  apiKey,
  collect,
  frameworks,
  openai,
  startHost,
  startProvider,
  type Provider,
  type ProxyHost,
} from './support.js'

const messages = [{ role: 'user' as const, content: 'What is there to see in Lisbon in May?' }]
const model = 'gpt-4o-mini'

const geminiPayload = (isStream: boolean) =>
  isStream ? 'gemini/stream-alt-sse.sse' : 'gemini/generateContent.json'

/** What is new in every answer, made alike. */
function undated(value: unknown): unknown {
  const text = JSON.stringify(value)
  return JSON.parse(
    text
      .replaceAll(/"(?:chatcmpl|msg|resp|gen|rs)[-_]\w+"/g, '"(id)"')
      .replaceAll(/"created(?:_at)?":\d+/g, '"created":0'),
  )
}

function sameAsBilled(event: UsageEvent, call: Awaited<ReturnType<typeof settledCall>>): void {
  assert.equal(event.token_source, 'provider')
  assert.equal(event.input_tokens, call.input_tokens)
  assert.equal(event.output_tokens, call.output_tokens)
  assert.equal(event.cache_read_tokens, call.cache_read_tokens)
  assert.equal(event.reasoning_tokens, call.reasoning_tokens)
  assert.equal(event.generation_id, call.id)
  assert.equal(event.model, call.model)
  assert.equal(event.attempts, 1)
  assert.equal(event.status, 'ok')
}

for (const framework of Object.keys(frameworks) as (keyof typeof frameworks)[]) {
  describe(`the proxy under the SDKs, on ${framework}`, () => {
    let simulator: Simulator
    let gemini: Provider
    let host: ProxyHost
    before(async () => {
      simulator = await startSimulator()
      gemini = await startProvider((req, res) => {
        const isStream = req.url?.includes('stream') ?? false
        res.setHeader('content-type', isStream ? 'text/event-stream' : 'application/json')
        res.end(payload(geminiPayload(isStream)))
      })
      const { baseUrls } = simulator
      host = await startHost(
        (app, usage) => {
          app.use('/openai', usage.proxy({ provider: 'openai', apiKey, baseUrl: baseUrls.openai }))
          const again = usage.proxy({ provider: 'openai', apiKey, baseUrl: baseUrls.openai })
          app.use('/parsed/:tenant', express.json(), usage.track(), again)
          app.use('/tracked', usage.track({ type: 'other' }), again)
          app.use(
            '/anthropic',
            usage.proxy({ provider: 'anthropic', apiKey, baseUrl: baseUrls.anthropic }),
          )
          app.use(
            '/router',
            usage.proxy({ provider: 'openrouter', apiKey, baseUrl: baseUrls.openrouter }),
          )
          app.use('/gemini', usage.proxy({ provider: 'gemini', apiKey, baseUrl: gemini.url }))
        },
        { framework },
      )
    })
    beforeEach(() => simulator.reset())
    after(async () => {
      await host.close()
      await Promise.all([simulator.close(), gemini.close()])
    })

    it('gives the openai client the chunks it gets without it, and meters what was billed', async () => {
      const ask = { model, messages, stream: true as const }
      const plain = await collect(await openaiClient(simulator).chat.completions.create(ask))
      simulator.reset()
      const client = openai(`${host.url}/openai`, 'stream')
      const proxied = await collect(await client.chat.completions.create(ask))
      assert.ok(proxied.length > 3)
      assert.deepEqual(undated(proxied), undated(plain))
      const event = await host.event('stream')
      sameAsBilled(event, await settledCall(simulator))
      assert.equal(event.endpoint, '/openai/chat/completions')
      assert.equal(event.operation_type, 'chat')
      assert.equal(event.provider, 'openai')
      assert.equal(event.stream, true)
      assert.equal(typeof event.time_to_first_token_ms, 'number')
    })

    it('leaves the usage to a client that asks for it', async () => {
      const stream_options = { include_usage: true }
      const ask = { model, messages, stream: true as const, stream_options }
      const plain = await collect(await openaiClient(simulator).chat.completions.create(ask))
      simulator.reset()
      const client = openai(`${host.url}/openai`, 'asks')
      const proxied = await collect(await client.chat.completions.create(ask))
      assert.deepEqual(undated(proxied), undated(plain))
      assert.ok(proxied.at(-1)?.usage)
      sameAsBilled(await host.event('asks'), await settledCall(simulator))
    })

    it('meters answers in one piece, below track() and express.json(), once', async () => {
      for (const [user, path, endpoint] of [
        ['whole', 'openai', '/openai'],
        ['parsed', 'parsed/acme', '/parsed/:tenant'],
        ['tracked', 'tracked', '/tracked'],
      ] as const) {
        simulator.reset()
        const client = openai(`${host.url}/${path}`, user)
        const answer = await client.chat.completions.create({ model, messages })
        assert.ok(answer.choices[0]?.message.content)
        const event = await host.event(user)
        sameAsBilled(event, await settledCall(simulator))
        assert.equal(event.endpoint, `${endpoint}/chat/completions`)
        assert.equal(event.operation_type, 'chat')
        assert.equal(event.stream, false)
      }
    })

    it('streams what express.json() had read before it', async () => {
      const client = openai(`${host.url}/parsed/acme`, 'parsed-stream')
      const ask = { model, messages, stream: true as const }
      const chunks = await collect(await client.chat.completions.create(ask))
      assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'stop')
      sameAsBilled(await host.event('parsed-stream'), await settledCall(simulator))
    })

    it('meters Responses, and lets the list of models pass unmetered', async () => {
      const client = openai(`${host.url}/openai`, 'responses')
      const names = await collect(await client.models.list())
      assert.ok(names.some(({ id }) => id === model))
      const events = await collect(
        await client.responses.create({ model, input: 'Lisbon in May?', stream: true }),
      )
      assert.equal(events.at(-1)?.type, 'response.completed')
      sameAsBilled(await host.event('responses'), await settledCall(simulator))
    })

    it('serves the Anthropic client, whose key is the x-api-key header', async () => {
      const ask = { model: 'claude-haiku-4-5', max_tokens: 200, messages }
      const direct = anthropicClient(simulator).messages.stream(ask)
      const plain = await direct.finalMessage()
      simulator.reset()
      const client = anthropic(`${host.url}/anthropic`, 'claude')
      const proxied = await client.messages.stream(ask).finalMessage()
      assert.deepEqual(undated(proxied), undated(plain))
      const event = await host.event('claude')
      sameAsBilled(event, await settledCall(simulator))
      assert.equal(event.endpoint, '/anthropic/v1/messages')
      assert.equal(event.provider, 'anthropic')
    })

    it('serves OpenRouter through the openai client', async () => {
      const client = openai(`${host.url}/router`, 'router')
      const ask = { model: 'openai/gpt-4o-mini', messages, stream: true as const }
      await collect(await client.chat.completions.create(ask))
      const event = await host.event('router')
      sameAsBilled(event, await settledCall(simulator))
      assert.equal(event.provider, 'openrouter')
    })

    it('serves the Gemini client, whose key is the x-goog-api-key header', async () => {
      const httpOptions = { baseUrl: `${host.url}/gemini` }
      const client = new GoogleGenAI({ apiKey: token('gem'), httpOptions })
      const ask = { model: 'gemini-2.5-flash', contents: 'Lisbon in May?' }
      const whole = await client.models.generateContent(ask)
      assert.match(whole.text ?? '', /Lisbon/)
      const chunks = await collect(await client.models.generateContentStream(ask))
      assert.equal(chunks.length, 3)
      const events = await host.events('gem')
      assert.deepEqual(events.map(({ endpoint }) => endpoint).toSorted(), [
        '/gemini/v1beta/models/:model:generateContent',
        '/gemini/v1beta/models/:model:streamGenerateContent',
      ])
      assert.ok(events.every(({ provider, status }) => provider === 'google' && status === 'ok'))
      assert.ok(gemini.seen.every(({ headers }) => headers['x-goog-api-key'] === apiKey))
      for (const event of events) {
        const { usage } = expected[geminiPayload(event.stream)] ?? assert.fail()
        assert.deepEqual(
          [event.token_source, event.model, event.input_tokens, event.output_tokens],
          ['provider', ask.model, usage?.input_tokens, usage?.output_tokens],
        )
        assert.equal(event.cache_read_tokens ?? 0, usage?.cache_read_tokens)
        assert.equal(event.reasoning_tokens ?? 0, usage?.reasoning_tokens)
      }
    })
  })
}
