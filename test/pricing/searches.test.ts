import assert from 'node:assert/strict'
import type { RequestHandler } from 'express'
import type { UsageEvent } from '../../src/event.js'
import { costOf, rateOfUsd } from '../../src/pricing/rates.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import { book, noon } from './support.js'

/** Claude, at $3 and $15 per million tokens and $10 for a thousand searches. */
const claude = {
  ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-sonnet-4-5', content: [] },
  usage: {
    ...{ input_tokens: 1000, output_tokens: 100 },
    server_tool_use: { web_search_requests: 5, web_fetch_requests: 2 },
  },
}
const tokensNanoUsd = 1000 * 3_000 + 100 * 15_000

const call = (type: string, action?: object) => ({ type, status: 'completed', action })
const response = {
  ...{ id: 'resp_1', object: 'response', status: 'completed', model: 'gpt-5' },
  output: [
    call('web_search_call', { type: 'search', query: 'a' }),
    call('web_search_call', { type: 'open_page', url: 'https://example.com' }),
    call('web_search_call', { type: 'find_in_page', pattern: 'b' }),
    call('web_search_call'),
    call('file_search_call'),
    { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Found.' }] },
  ],
  usage: { input_tokens: 1000, output_tokens: 100, total_tokens: 1100 },
}

describe('searches that a provider makes', function () {
  this.timeout(20_000)
  let app: TestApp | undefined
  afterEach(async () => {
    await app?.close()
    app = undefined
  })

  const eventOf = async (handler: RequestHandler) => {
    app = await startApp((host) => host.post('/ai/chat', handler))
    await (await fetch(`${app.url}/ai/chat`, { method: 'POST', headers: bearer('alice') })).text()
    await app.usage.flush()
    const [event] = await app.database.connection.collection('usage_logs').find().toArray()
    return event as unknown as UsageEvent
  }

  it('cost what they do beside tokens, and are told', async () => {
    const event = await eventOf((_req, res) => res.json(claude))
    assert.equal(event.web_searches, 5)
    assert.equal(event.cost_nano_usd, tokensNanoUsd + 5 * 10_000_000)
    const { data } = (await app?.admin<{ data: Partial<UsageEvent>[] }>('/logs')) ?? {}
    assert.deepEqual([data?.[0]?.web_searches, data?.[0]?.tokens_used], [5, 1100])
  })

  it('are those of the last figures of a stream, which may leave them out', async () => {
    const { usage, ...message } = claude
    const events = [
      { type: 'message_start', message: { ...message, usage: { ...usage, output_tokens: 1 } } },
      { type: 'message_delta', delta: {}, usage: { output_tokens: 100 } },
      { type: 'message_stop' },
    ]
    const event = await eventOf((_req, res) => {
      res.type('text/event-stream')
      for (const one of events) res.write(`event: ${one.type}\ndata: ${JSON.stringify(one)}\n\n`)
      res.end()
    })
    assert.deepEqual([event.web_searches, event.output_tokens], [5, 100])
  })

  it('are counted in the output of OpenAI’s Responses: what searches, not what reads', async () => {
    const event = await eventOf((_req, res) => res.json(response))
    assert.deepEqual([event.web_searches, event.file_searches], [2, 1])
    const prices = await book()
    const usage = { input_tokens: 1000, output_tokens: 100, provider: 'openai', model: 'gpt-5' }
    const { cost_nano_usd } = prices.price(usage, noon)
    assert.equal(event.cost_nano_usd, (cost_nano_usd ?? NaN) + 2 * 10_000_000 + 2_500_000)
  })

  it('are at full price where tokens are at half of it', () => {
    const rates = {
      ...{ input: { base: rateOfUsd(2), tiers: [] }, output: { base: rateOfUsd(4), tiers: [] } },
      ...{ web_search: 10_000_000, file_search: 2_500_000 },
    }
    const usage = { input_tokens: 1000, output_tokens: 500, web_searches: 3, file_searches: 2 }
    const fees = 3 * 10_000_000 + 2 * 2_500_000
    assert.equal(costOf(usage, rates, { times: 1, over: 2 }), 2_000_000 + fees)
    assert.equal(costOf(usage, rates), 4_000_000 + fees)
  })

  it('can be told by whoever records an operation', async () => {
    app = await startApp(() => undefined)
    const sent = await app.usage.record({
      ...{ user_id: 'alice', operation_type: 'chat', model: 'claude-sonnet-4-5' },
      ...{ input_tokens: 1000, output_tokens: 100, web_searches: 2 },
    })
    assert.equal(sent.outcome, 'accepted')
    await app.usage.flush()
    const [event] = await app.database.connection.collection('usage_logs').find().toArray()
    assert.equal(event?.cost_nano_usd, tokensNanoUsd + 2 * 10_000_000)
  })
})
