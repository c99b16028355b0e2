import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { startSimulator, type BilledCall, type Simulator } from '../../scripts/simulator/index.js'
import type { UsageEvent } from '../../src/index.js'
import {
  calls,
  chat,
  claude,
  clientsOf,
  collect,
  leavings,
  mountOn,
  options,
  prompt,
} from './clients.js'
import { startStand, type Side, type Stand } from './stand.js'

/** Ids and instants are new for each call. */
function timeless(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, part: unknown) =>
      /^(id|item_id|_?request_id|created|created_at|completed_at|obfuscation)$/.test(key)
        ? 'new'
        : part,
    ),
  )
}

const figures = ['input_tokens', 'output_tokens', 'cache_read_tokens', 'reasoning_tokens'] as const

function assertBilled(event: UsageEvent, call: BilledCall | undefined): void {
  assert.ok(call)
  for (const key of figures) assert.equal(event[key], call[key], key)
  assert.equal(event.model, call.model)
  assert.equal(event.token_source, 'provider')
  assert.equal(event.status, 'ok')
}

describe('real clients of a metered app', function () {
  this.timeout(15_000)
  let simulator: Simulator
  let stand: Stand
  before(async () => {
    simulator = await startSimulator()
    stand = await startStand('Express 5', mountOn(simulator), options)
  })
  beforeEach(() => simulator.reset())
  after(async () => {
    await stand.close()
    await simulator.close()
  })

  for (const [name, call] of Object.entries(calls)) {
    it(`get through a proxy what they get without us, and the figures are exact: ${name}`, async () => {
      const bare = await call(clientsOf(stand.bare, name))
      simulator.reset()
      const metered = await call(clientsOf(stand.metered, name))
      assert.deepEqual(timeless(metered), timeless(bare))
      const event = await stand.event(name)
      assertBilled(event, simulator.billed()[0])
      assert.equal(event.generation_id, simulator.billed()[0]?.id)
      assert.equal(event.cache_write_tokens, 0)
      assert.equal(event.operation_type, 'proxy')
      assert.equal(event.stream, Array.isArray(metered) || name.includes('gatherer'))
    })
  }

  const demo: Record<string, object> = {
    '/ai/chat': { message: prompt },
    '/ai/chat/stream': { message: prompt },
    '/ai/summarize': { text: prompt.repeat(5) },
    '/ai/summarize/stream': { text: prompt.repeat(5) },
    '/ai/qa': { question: prompt, context: 'Lisbon is in Portugal.' },
    '/ai/qa/stream': { question: prompt },
    '/ai/mindmap': { topic: 'Lisbon' },
  }
  for (const [path, body] of Object.entries(demo)) {
    it(`get from the demo app what they get without us, and the figures are exact: ${path}`, async () => {
      const ask = async ({ url }: Side) => {
        simulator.reset()
        const headers = { 'content-type': 'application/json', 'x-user': path }
        const answer = await fetch(`${url}${path}`, {
          method: 'POST',
          headers,
          body: JSON.stringify(body),
        })
        const text = await answer.text()
        const { status } = answer
        assert.equal(status, 200)
        return text.replaceAll(/"(?:id|system_fingerprint)":"[^"]*"|"created":\d+/g, '')
      }
      const bare = await ask(stand.bare)
      assert.equal(await ask(stand.metered), bare)
      assertBilled(await stand.event(path), simulator.billed()[0])
    })
  }

  it('get the same refusals, which cost nothing', async () => {
    const ask = async (side: Side) => {
      const { openai } = clientsOf(side, 'refused')
      const headers = { 'x-simulator-fault': 'rate_limit' }
      const error: unknown = await openai.chat.completions
        .create(chat, { headers })
        .catch((e: unknown) => e)
      assert.ok(error instanceof OpenAI.RateLimitError)
      return timeless({ status: error.status, error: error.error })
    }
    assert.deepEqual(await ask(stand.metered), await ask(stand.bare))
    const event = await stand.event('refused')
    assert.equal(event.status, 'error')
    assert.equal(event.status_code, 429)
    assert.equal(event.tokens_used, 0)
    assert.equal(event.token_source, 'none')
  })

  it('see streams fail and break off as without us', async () => {
    for (const [fault, status] of [
      ['error_in_stream', 'error'],
      ['cut_stream', 'aborted'],
    ] as const) {
      const headers = { 'x-simulator-fault': fault }
      const ask = async (side: Side) => {
        const { anthropic } = clientsOf(side, fault)
        const stream = await anthropic.messages.create({ ...claude, stream: true }, { headers })
        return collect(stream).catch((error: unknown) =>
          error instanceof Error ? error.name : error,
        )
      }
      assert.equal(await ask(stand.metered), await ask(stand.bare))
      const event = await stand.event(fault)
      assert.equal(event.status, status, fault)
      assert.ok(event.output_tokens > 0, fault)
      assert.notEqual(event.token_source, 'provider')
    }
  })
})

describe('real clients that leave a stream', function () {
  this.timeout(15_000)
  let simulator: Simulator
  let stand: Stand
  before(async () => {
    simulator = await startSimulator({ pace: 'realistic' })
    stand = await startStand('Express 5', mountOn(simulator), options)
  })
  after(async () => {
    await stand.close()
    await simulator.close()
  })

  for (const [name, call] of Object.entries(leavings)) {
    it(`are recorded as aborted, with what they had: ${name}`, async () => {
      simulator.reset()
      const pieces = await call(clientsOf(stand.metered, name))
      assert.ok(pieces.length >= 5)
      const event = await stand.event(name)
      assert.equal(event.status, 'aborted')
      assert.equal(event.success, false)
      assert.equal(event.stream, true)
      assert.ok(event.output_tokens > 0)
      assert.ok(event.input_tokens > 0)
      for (let tries = 0; tries < 50 && simulator.billed().length === 0; tries++) await sleep(10)
      const [billed] = simulator.billed()
      assert.equal(billed?.outcome, 'client_aborted')
      // A prompt that is one string is counted without the framing of a message, 7 tokens.
      assert.ok(Math.abs(event.input_tokens - billed.input_tokens) <= 7, `${event.input_tokens} in`)
      assert.ok(
        Math.abs(event.output_tokens - billed.output_tokens) <= 6,
        `${event.output_tokens} out`,
      )
    })
  }
})
