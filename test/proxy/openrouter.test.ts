import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { startSimulator, type Simulator } from '../../scripts/simulator/index.js'
import { rollUp } from '../../src/rollup/roller.js'
import { createStore } from '../../src/store/store.js'
import { systemClock } from '../../src/clock.js'
import type { UsageEvent } from '../../src/index.js'
import { bearer } from '../helpers/app.js'
import { settledCall } from '../simulator/support.js'
import {
  apiKey,
  collect,
  openai,
  rejection,
  startHost,
  startProvider,
  type Provider,
  type ProxyHost,
} from './support.js'
import { until } from '../helpers/until.js'

const messages = [{ role: 'user' as const, content: 'What is there to see in Lisbon in May?' }]
const ask = { model: 'openai/gpt-4o-mini', messages, stream: true as const }

interface Body {
  user?: string
  usage?: object
  metadata?: Record<string, string>
  stream_options?: object
}

describe('the proxy to OpenRouter', () => {
  let simulator: Simulator
  let provider: Provider
  let host: ProxyHost
  before(async () => {
    simulator = await startSimulator()
    provider = await startProvider((_req, res) => res.end('{}'))
    host = await startHost((app, usage) => {
      const options = { provider: 'openrouter', apiKey }
      const passHeaders = ['x-simulator-fault']
      const baseUrl = simulator.baseUrls.openrouter
      app.use('/sim', usage.proxy({ ...options, baseUrl, passHeaders }))
      const seen = { ...options, baseUrl: provider.url }
      app.use('/hash', usage.proxy(seen))
      app.use('/other-key', usage.proxy({ ...seen, userSecret: 'another secret of the host' }))
      app.use('/id', usage.proxy({ ...seen, user: 'user_id' }))
      app.use('/client', usage.proxy({ ...seen, user: 'client' }))
    })
  })
  beforeEach(() => {
    simulator.reset()
    provider.seen.splice(0)
  })
  after(async () => {
    await host.close()
    await Promise.all([simulator.close(), provider.close()])
  })

  const sent = async (path: string, user: string, body: object): Promise<Body> => {
    const answer = await fetch(`${host.url}${path}/chat/completions`, {
      method: 'POST',
      headers: bearer(user),
      body: JSON.stringify({ model: 'm', ...body }),
    })
    assert.equal(answer.status, 200)
    return JSON.parse(provider.seen.at(-1)?.body.toString() ?? '') as Body
  }

  it('names the user by a pseudonym that stays, whatever the client says', async () => {
    const alice = await sent('/hash', 'alice', {})
    const again = await sent('/hash', 'alice', { user: 'somebody else' })
    const bob = await sent('/hash', 'bob', {})
    assert.match(alice.user ?? '', /^u_[\w-]{22}$/)
    assert.equal(again.user, alice.user)
    assert.notEqual(bob.user, alice.user)
    assert.notEqual((await sent('/other-key', 'alice', {})).user, alice.user)
    assert.ok(!JSON.stringify(provider.seen).includes('alice'))
    assert.equal((await sent('/id', 'alice', {})).user, 'alice')
    assert.equal((await sent('/client', 'alice', { user: 'mine' })).user, 'mine')
    assert.equal((await sent('/client', 'alice', {})).user, undefined)
  })

  it('asks for the usage and names the request, beside what the client says', async () => {
    const body = await sent('/hash', 'carol', { metadata: { a: 'b' }, usage: { x: 1 } })
    assert.deepEqual(body.usage, { x: 1, include: true })
    const event = await host.event('carol')
    assert.deepEqual(body.metadata, { a: 'b', request_id: event._id })
    assert.equal(body.stream_options, undefined)
  })

  it('learns the final figures of a cut stream later, and the rollups follow', async function () {
    this.timeout(15_000)
    const store = createStore(host.database.connection, systemClock)
    const client = openai(`${host.url}/sim`, 'cut')
    const headers = { 'x-simulator-fault': 'cut_stream' }
    await rejection(
      client.chat.completions.create(ask, { headers }).then((stream) => collect(stream)),
    )
    const call = await settledCall(simulator)
    const estimate = await host.event('cut')
    assert.equal(estimate.generation_id, call.id)
    assert.notEqual(estimate.token_source, 'provider')
    assert.notEqual(estimate.cost_source, 'provider')
    await rollUp(store)
    const final = await corrected('cut')
    assert.equal(final.input_tokens, call.input_tokens)
    assert.equal(final.output_tokens, call.output_tokens)
    assert.equal(final.tokens_used, call.input_tokens + call.output_tokens)
    assert.equal(final.cost_nano_usd, Math.round((call.cost_usd ?? 0) * 1e9))
    assert.equal(final.cost_source, 'provider')
    assert.equal(final.success, false)
    assert.ok(final.recorded_at > estimate.recorded_at)
    await rollUp(store)
    const day = await host.database.connection
      .collection('daily_stats')
      .findOne({ scope: 'user', user_id: 'cut' })
    assert.equal(day?.total_tokens, final.tokens_used)
    assert.equal(day.total_operations, 1)
  })

  it('learns what a client that left has cost', async function () {
    this.timeout(15_000)
    const stream = await openai(`${host.url}/sim`, 'left').chat.completions.create(ask)
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) break
    }
    const call = await settledCall(simulator)
    const final = await corrected('left')
    assert.equal(final.output_tokens, call.output_tokens)
    assert.equal(final.cost_nano_usd, Math.round((call.cost_usd ?? 0) * 1e9))
  })

  async function corrected(user: string) {
    let event = await host.event(user)
    const poll = setInterval(() => {
      void host.event(user).then((found) => (event = found))
    }, 50)
    await until(() => event.token_source === 'provider', 8_000).finally(() => clearInterval(poll))
    // What rolls up sees it once a majority has it, which may be a moment later.
    const logs = host.database.connection.collection<UsageEvent>('usage_logs')
    const isKept = { _id: event._id, token_source: 'provider' } as const
    // Of a collection's options mongoose passes on none.
    const options = { readConcern: 'majority' } as const
    while ((await logs.findOne(isKept, options)) === null) await sleep(5)
    return event
  }
})
