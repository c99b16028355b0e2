import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import OpenAI, { APIError } from 'openai'
import Anthropic from '@anthropic-ai/sdk'
import { startSimulator, type Simulator } from '../../scripts/simulator/index.js'
import { bearer, listen } from '../helpers/app.js'
import { settledCall } from '../simulator/support.js'
import {
  anthropic,
  apiKey,
  collect,
  openai,
  rejection,
  startHost,
  startProvider,
  type Provider,
  type ProxyHost,
} from './support.js'

const messages = [{ role: 'user' as const, content: 'What is there to see in Lisbon in May?' }]
const ask = { model: 'gpt-4o-mini', messages, stream: true as const }
const passHeaders = ['x-simulator-fault']

interface Problem {
  code: string
  status: number
  error: { message: string }
}

describe('a proxied call that goes wrong', () => {
  let simulator: Simulator
  let provider: Provider
  let behave: (req: IncomingMessage, res: ServerResponse) => void = (_req, res) => void res.end()
  let host: ProxyHost
  before(async () => {
    simulator = await startSimulator()
    provider = await startProvider((req, res) => behave(req, res))
    const gone = createServer()
    const nowhere = await listen(gone)
    await new Promise((resolve) => gone.close(resolve))
    host = await startHost((app, usage) => {
      const { baseUrls } = simulator
      const options = { apiKey, passHeaders }
      app.use('/sim', usage.proxy({ ...options, provider: 'openai', baseUrl: baseUrls.openai }))
      app.use(
        '/claude',
        usage.proxy({ ...options, provider: 'anthropic', baseUrl: baseUrls.anthropic }),
      )
      const impatient = { ...options, provider: 'openai', timeoutMs: 300, baseUrl: provider.url }
      app.use('/impatient', usage.proxy(impatient))
      app.use('/patient', usage.proxy({ ...impatient, timeoutMs: 10_000 }))
      app.use('/gem', usage.proxy({ ...impatient, provider: 'gemini' }))
      app.use('/nowhere', usage.proxy({ ...options, provider: 'openai', baseUrl: nowhere }))
    })
  })
  beforeEach(() => simulator.reset())
  after(async () => {
    await host.close()
    await Promise.all([simulator.close(), provider.close()])
  })

  const post = (path: string, user: string, body: object = ask) =>
    fetch(`${host.url}${path}`, {
      method: 'POST',
      headers: { ...bearer(user), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  it('ends in an error of the client when the provider is killed in mid-stream, and counts what came', async () => {
    const client = openai(`${host.url}/sim`, 'cut')
    const chunks: string[] = []
    const error = await rejection(
      (async () => {
        const stream = await client.chat.completions.create(ask, {
          headers: { 'x-simulator-fault': 'cut_stream' },
        })
        for await (const chunk of stream) chunks.push(chunk.choices[0]?.delta.content ?? '')
      })(),
    )
    assert.ok(error instanceof APIError)
    assert.equal(error.code, 'upstream_cut')
    assert.match(error.message, /provider ended its answer/i)
    assert.ok(chunks.join('').length > 0)
    const call = await settledCall(simulator)
    const event = await host.event('cut')
    assert.equal(event.status, 'error')
    assert.equal(event.success, false)
    assert.equal(event.error_type, 'upstream_cut')
    assert.equal(event.token_source, 'tokenizer')
    assert.equal(event.input_tokens, call.input_tokens)
    assert.ok(event.output_tokens > 0)
    // The last frame before the cut may be lost with the connection.
    assert.ok(event.output_tokens <= call.output_tokens)
    assert.ok(event.output_tokens >= call.output_tokens - 8)
  })

  it('ends in an error of the Anthropic and the Responses client as well', async () => {
    const headers = { 'x-simulator-fault': 'cut_stream' }
    const claude = anthropic(`${host.url}/claude`, 'cut-claude')
    const message = { model: 'claude-haiku-4-5', max_tokens: 200, messages }
    const error = await rejection(claude.messages.stream(message, { headers }).finalMessage())
    assert.ok(error instanceof Anthropic.APIError)
    assert.match(error.message, /provider ended its answer/i)
    assert.equal((await host.event('cut-claude')).error_type, 'upstream_cut')
    const client = openai(`${host.url}/sim`, 'cut-responses')
    const input = { model: 'gpt-4o-mini', input: 'Lisbon in May?', stream: true as const }
    const failed = await rejection(
      client.responses.create(input, { headers }).then((events) => collect(events)),
    )
    assert.ok(failed instanceof APIError)
    assert.match(failed.message, /provider ended its answer/i)
  })

  it('cuts the connection where the provider speaks no error in mid-stream, or sent JSON', async () => {
    behave = (_req, res) => {
      res.setHeader('content-type', 'text/event-stream')
      res.write('data: {"candidates":[]}\n\n', () => res.destroy())
    }
    const stream = await post('/gem/v1beta/models/m:streamGenerateContent?alt=sse', 'gem-cut')
    await assert.rejects(stream.text())
    assert.equal((await host.event('gem-cut')).error_type, 'upstream_cut')
    const json = await rejection(
      openai(`${host.url}/sim`, 'json-cut').chat.completions.create(
        { model: 'gpt-4o-mini', messages },
        { headers: { 'x-simulator-fault': 'cut_stream' } },
      ),
    )
    assert.ok(json instanceof Error)
    const event = await host.event('json-cut')
    assert.equal(event.success, false)
    assert.equal(event.error_type, 'upstream_cut')
  })

  it('never ends a stream in the middle of an event', async () => {
    behave = (_req, res) => {
      res.setHeader('content-type', 'text/event-stream')
      res.write('data: {"a":1}\n\ndata: {"half', () => res.destroy())
    }
    const text = await (await post('/impatient/chat/completions', 'half')).text()
    const [first, second] = text.split('\n\n')
    assert.equal(first, 'data: {"a":1}')
    assert.match(second ?? '', /^data: \{"error":.*"upstream_cut"/)
  })

  it('is a 502 when nobody listens there', async () => {
    const answer = await post('/nowhere/chat/completions', 'nowhere')
    assert.equal(answer.status, 502)
    assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/)
    const problem = (await answer.json()) as Problem
    assert.equal(problem.code, 'upstream_unreachable')
    assert.equal((await host.event('nowhere')).error_type, 'upstream_unreachable')
    const error = await rejection(
      openai(`${host.url}/nowhere`, 'nowhere-sdk').chat.completions.create(ask),
    )
    assert.ok(error instanceof OpenAI.InternalServerError)
    assert.match(error.message, /The provider cannot be reached/)
    const event = await host.event('nowhere-sdk')
    assert.equal(event.tokens_used, 0)
    assert.equal(event.status_code, 502)
  })

  it('is sent again when a kept connection turns out to be closed, once', async () => {
    let calls = 0
    behave = (req, res) => {
      calls += 1
      if (calls === 2) req.socket.destroy()
      else res.setHeader('content-type', 'application/json').end('{}')
    }
    for (const user of ['kept', 'kept-again', 'kept-still']) {
      const answer = await post('/impatient/chat/completions', user)
      assert.equal(answer.status, 200)
      await answer.text()
      assert.equal((await host.event(user)).attempts, user === 'kept-again' ? 2 : 1)
    }
    const ports = provider.seen.slice(-4).map(({ port }) => port)
    assert.equal(ports[0], ports[1])
    assert.notEqual(ports[1], ports[2])
    assert.equal(ports[2], ports[3])
  })

  it('is not sent again when the provider had begun to work on it', async () => {
    let calls = 0
    behave = (req, res) => {
      calls += 1
      if (calls === 2) setTimeout(() => req.socket.resetAndDestroy(), 1200)
      else res.setHeader('content-type', 'application/json').end('{}')
    }
    assert.equal(await (await post('/patient/chat/completions', 'worked')).text(), '{}')
    const answer = await post('/patient/chat/completions', 'worked-on')
    assert.equal(answer.status, 502)
    assert.equal(calls, 2)
    const [first, second] = provider.seen.slice(-2)
    assert.equal(first?.port, second?.port)
    assert.equal((await host.event('worked-on')).attempts, 1)
  })

  it('is a 502 when the provider redirects: no redirect is followed', async () => {
    behave = (_req, res) => {
      res.writeHead(302, { location: simulator.url })
      res.end()
    }
    const answer = await post('/impatient/chat/completions', 'redirected')
    assert.equal(answer.status, 502)
    assert.equal(answer.headers.get('location'), null)
  })

  it('is a 504 when the provider says nothing in time', async () => {
    behave = () => undefined
    const answer = await post('/impatient/chat/completions', 'silent')
    assert.equal(answer.status, 504)
    assert.equal(((await answer.json()) as Problem).code, 'upstream_timeout')
    assert.equal((await host.event('silent')).error_type, 'upstream_timeout')
  })

  it('is an event in a stream that falls silent', async () => {
    behave = (_req, res) => {
      res.setHeader('content-type', 'text/event-stream')
      res.write('data: {"a":1}\n\n')
    }
    const text = await (await post('/impatient/chat/completions', 'stalled')).text()
    assert.match(text, /^data: \{"a":1\}\n\ndata: \{"error":.*upstream_timeout/)
    assert.equal((await host.event('stalled')).error_type, 'upstream_timeout')
  })

  it("is the provider's own error when it answers with one", async () => {
    for (const [fault, status] of [
      ['rate_limit', 429],
      ['server_error', 500],
    ] as const) {
      simulator.reset()
      const client = openai(`${host.url}/sim`, fault)
      const headers = { 'x-simulator-fault': fault }
      const error = await rejection(client.chat.completions.create(ask, { headers }))
      assert.ok(error instanceof APIError)
      assert.equal(error.status, status)
      if (fault === 'rate_limit')
        assert.equal((error.headers as Headers | undefined)?.get('retry-after'), '1')
      const event = await host.event(fault)
      assert.equal(event.status_code, status)
      assert.equal(event.tokens_used, 0)
      assert.equal(event.error_type, fault === 'rate_limit' ? 'requests' : 'server_error')
    }
  })
})
