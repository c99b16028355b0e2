import assert from 'node:assert/strict'
import type Anthropic from '@anthropic-ai/sdk'
import { startSimulator, type Simulator } from '../../scripts/simulator/index.js'
import { anthropicClient, collect, longText, onlyCall } from './support.js'

const request = {
  model: 'claude-opus-4-5',
  max_tokens: 1000,
  messages: [{ role: 'user' as const, content: 'What is there to see in Lisbon in May?' }],
}

function total(usage: {
  input_tokens: number
  cache_read_input_tokens: number | null
  cache_creation_input_tokens: number | null
}): number {
  const { cache_creation_input_tokens: written, cache_read_input_tokens: read } = usage
  return usage.input_tokens + (read ?? 0) + (written ?? 0)
}

describe('the simulator as Anthropic messages', () => {
  let simulator: Simulator
  let client: Anthropic
  before(async () => {
    simulator = await startSimulator()
    client = anthropicClient(simulator)
  })
  beforeEach(() => simulator.reset())
  after(() => simulator.close())

  it('answers with text and the usage it bills', async () => {
    const answer = await client.messages.create(request)
    const call = onlyCall(simulator)
    assert.equal(answer.model, 'claude-opus-4-5-20251101')
    assert.equal(answer.stop_reason, 'end_turn')
    assert.equal(answer.content[0]?.type, 'text')
    assert.equal(total(answer.usage), call.input_tokens)
    assert.equal(answer.usage.output_tokens, call.output_tokens)
    assert.equal(call.id, answer.id)
  })

  it('streams the same message, with cumulative usage', async () => {
    const answer = await client.messages.create(request)
    simulator.reset()
    const stream = client.messages.stream(request)
    const events = await collect(stream)
    const final = await stream.finalMessage()
    assert.deepEqual(final.content, answer.content)
    assert.equal(final.usage.output_tokens, onlyCall(simulator).output_tokens)
    assert.equal(total(final.usage), onlyCall(simulator).input_tokens)
    assert.equal(events.at(-1)?.type, 'message_stop')
  })

  it('sends every event type, ping among them', async () => {
    const response = await fetch(`${simulator.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': 'any' },
      body: JSON.stringify({ ...request, stream: true }),
    })
    const wire = await response.text()
    assert.match(wire, /"output_tokens":1,"service_tier"/)
    const types = [...wire.matchAll(/^event: (.*)$/gm)].map(([, type]) => type)
    assert.deepEqual(
      types.filter((type, index) => type !== types[index - 1]),
      [
        'message_start',
        'content_block_start',
        'ping',
        'content_block_delta',
        'content_block_stop',
        'message_delta',
        'message_stop',
      ],
    )
  })

  it('stops at max_tokens, used to the last', async () => {
    for (const max_tokens of [1, 2, 10, 11]) {
      const answer = await client.messages.create({ ...request, max_tokens })
      assert.equal(answer.stop_reason, 'max_tokens')
      assert.equal(answer.usage.output_tokens, max_tokens)
    }
  })

  it('writes the cache up to cache_control once and reads it afterwards', async () => {
    const ask = (system: string, question: string) =>
      client.messages.create({
        ...request,
        system: [{ type: 'text', text: system, cache_control: { type: 'ephemeral' } }],
        messages: [{ role: 'user', content: question }],
      })
    const first = await ask(longText(800), 'One?')
    const second = await ask(longText(800), 'Two?')
    const other = await ask(longText(900), 'One?')
    const written = first.usage.cache_creation_input_tokens ?? 0
    assert.ok(written >= 1024)
    assert.equal(first.usage.cache_creation?.ephemeral_5m_input_tokens, written)
    assert.equal(first.usage.cache_read_input_tokens, 0)
    assert.equal(second.usage.cache_read_input_tokens, written)
    assert.equal(second.usage.cache_creation_input_tokens, 0)
    assert.equal(other.usage.cache_read_input_tokens, 0)
    const [call, again] = simulator.billed()
    assert.equal(call?.cache_write_tokens, written)
    assert.equal(again?.cache_read_tokens, written)
    assert.equal(call.input_tokens, total(first.usage))
    assert.equal(again.input_tokens, total(second.usage))
  })

  it('caches nothing unasked, and no short prompt', async () => {
    const messages = [{ role: 'user' as const, content: longText(800) }]
    await client.messages.create({ ...request, messages })
    const repeated = await client.messages.create({ ...request, messages })
    assert.equal(repeated.usage.cache_read_input_tokens, 0)
    const short = await client.messages.create({
      ...request,
      system: [{ type: 'text', text: 'Be brief', cache_control: { type: 'ephemeral' } }],
    })
    assert.equal(short.usage.cache_creation_input_tokens, 0)
  })
})
