import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import type { UsageEvent } from '../../src/index.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import { payload } from '../helpers/fixtures.js'

interface Usage {
  total_operations: number
  total_tokens: number
  failed_operations: number
  operations_by_type: Record<string, number>
  tokens_by_model: Record<string, number>
  daily_usage: Record<string, { operations: number; tokens: number }>
  subscription_limit: number
  most_recent_activity: string | null
}

describe('the meter on an Express app', () => {
  let app: TestApp
  before(async () => {
    app = await startApp((host, usage) => {
      host.use(express.json())
      host.post('/ai/chat', (_req, res) => {
        res.type('json').send(payload('openai-chat/completion.json'))
      })
      host.post('/ai/chat/stream', (_req, res) => {
        res.type('text/event-stream')
        const bytes = payload('anthropic/stream.sse')
        for (let at = 0; at < bytes.length; at += 100) res.write(bytes.subarray(at, at + 100))
        res.end()
      })
      host.post('/ai/qa', (_req, res) => {
        res.json({ reply: 'Lisbon is lovely in May.' })
      })
      host.post('/ai/summarize', (req, res) => {
        usage.annotate(req, {
          input_tokens: 7,
          output_tokens: 5,
          model: 'my-model',
          conversation_id: 'c1',
        })
        res.json({ ok: true })
      })
      host.post('/ai/mindmap', (_req, res) => {
        res.write('partial ')
        setTimeout(() => res.destroy(), 20)
      })
    })
  })
  after(() => app.close())

  const call = (path: string, user: string, body: object = { message: 'Where to in May?' }) =>
    fetch(`${app.url}${path}`, {
      method: 'POST',
      headers: { ...bearer(user, { tier: 'pro' }), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const logs = async (user: string) =>
    (await app.admin<{ data: UsageEvent[] }>(`/logs?user=${user}`)).data
  const latest = async (user: string): Promise<UsageEvent> => {
    const event = (await logs(user)).at(0)
    assert.ok(event, `no event of ${user}`)
    return event
  }

  it("shows a call under /me with the provider's own figures", async () => {
    const response = await call('/ai/chat', 'alice')
    assert.deepEqual(
      Buffer.from(await response.arrayBuffer()),
      payload('openai-chat/completion.json'),
    )
    await app.usage.flush()
    const me = await app.as<Usage>('alice', '/me')
    assert.equal(me.total_operations, 1)
    assert.equal(me.total_tokens, 1163)
    assert.deepEqual(me.operations_by_type, { chat: 1 })
    assert.deepEqual(me.tokens_by_model, { 'gpt-4o-2024-08-06': 1163 })
    assert.equal(Object.keys(me.daily_usage).length, 30)
    assert.equal(me.subscription_limit, 10_000)
    const event = await latest('alice')
    assert.equal(event.token_source, 'provider')
    assert.equal(event.tier, 'pro')
    // 93 tokens at $2.50, 1,024 from the cache at $1.25, 46 at $10, per million
    assert.equal(event.cost_nano_usd, 93 * 2_500 + 1_024 * 1_250 + 46 * 10_000)
    assert.equal(event.cost_source, 'catalogue')
  })

  it('is visible within two seconds without a flush', async () => {
    await (await call('/ai/chat', 'quick')).arrayBuffer()
    await sleep(1000)
    assert.equal((await app.as<Usage>('quick', '/me')).total_operations, 1)
  })

  it('reads streams and their time to the first token', async () => {
    const response = await call('/ai/chat/stream', 'bob')
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), payload('anthropic/stream.sse'))
    await app.usage.flush()
    const event = await latest('bob')
    assert.equal(event.input_tokens, 2073)
    assert.equal(event.output_tokens, 22)
    assert.equal(event.provider, 'anthropic')
    assert.equal(event.stream, true)
    assert.equal(typeof event.time_to_first_token_ms, 'number')
  })

  it('counts with tiktoken where the provider says nothing, and says so', async () => {
    await (
      await call('/ai/qa', 'carol', { question: 'Where to in May?', model: 'gpt-4o' })
    ).arrayBuffer()
    await app.usage.flush()
    const event = await latest('carol')
    assert.equal(event.token_source, 'tokenizer')
    assert.equal(event.input_tokens, 5)
    assert.equal(event.output_tokens, 7)
  })

  it('takes what the handler knows', async () => {
    await (await call('/ai/summarize', 'dave')).arrayBuffer()
    await app.usage.flush()
    const event = await latest('dave')
    assert.equal(event.token_source, 'annotated')
    assert.equal(event.tokens_used, 12)
    assert.equal(event.model, 'my-model')
    assert.equal(event.conversation_id, 'c1')
  })

  it('records a response that was cut as aborted, with what was sent', async () => {
    await assert.rejects(async () => (await call('/ai/mindmap', 'erin')).text())
    await sleep(50)
    await app.usage.flush()
    const event = await latest('erin')
    assert.equal(event.status, 'aborted')
    assert.equal(event.success, false)
    assert.equal(event.response_bytes, 8)
  })

  it('books requests without a token for the shared anonymous user', async () => {
    await (await fetch(`${app.url}/ai/chat`, { method: 'POST' })).arrayBuffer()
    await app.usage.flush()
    assert.equal((await logs('anonymous')).length, 1)
  })

  it('says the same everywhere', async () => {
    await app.usage.flush()
    const global = await app.admin<Usage & { unique_users: number }>('/global')
    const realtime = await app.admin<{ last_hour: Usage }>('/realtime')
    const sum = await app.database.connection
      .collection('usage_logs')
      .aggregate([{ $group: { _id: null, n: { $sum: 1 }, tokens: { $sum: '$tokens_used' } } }])
      .next()
    assert.equal(global.total_operations, sum?.n)
    assert.equal(global.total_tokens, sum?.tokens)
    assert.equal(realtime.last_hour.total_operations, sum?.n)
    assert.equal(realtime.last_hour.total_tokens, sum?.tokens)
    const users = await app.admin<{ data: { user_id: string; today: { tokens: number } }[] }>(
      '/users',
    )
    assert.equal(users.data.length, global.unique_users)
    assert.equal(
      users.data.reduce((total, user) => total + user.today.tokens, 0),
      sum?.tokens,
    )
  })

  it('answers /health in public with counts only', async () => {
    const response = await fetch(`${app.url}/health`)
    assert.equal(response.status, 200)
    const health = (await response.json()) as { status: string; database: string }
    assert.equal(health.status, 'ok')
    assert.equal(health.database, 'up')
  })
})
