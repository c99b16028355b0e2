import assert from 'node:assert/strict'
import type OpenAI from 'openai'
import { get_encoding } from 'tiktoken'
import { startSimulator, type BilledCall, type Simulator } from '../../scripts/simulator/index.js'
import { collect, longText, onlyCall, openaiClient } from './support.js'

const messages = [{ role: 'user' as const, content: 'What is there to see in Lisbon in May?' }]

function usageOf({ usage }: { usage?: OpenAI.CompletionUsage | null }) {
  return {
    input_tokens: usage?.prompt_tokens,
    output_tokens: usage?.completion_tokens,
    cache_read_tokens: usage?.prompt_tokens_details?.cached_tokens,
    reasoning_tokens: usage?.completion_tokens_details?.reasoning_tokens,
  }
}

function billedUsage({
  input_tokens,
  output_tokens,
  cache_read_tokens,
  reasoning_tokens,
}: BilledCall) {
  return { input_tokens, output_tokens, cache_read_tokens, reasoning_tokens }
}

describe('the simulator as OpenAI chat completions', () => {
  let simulator: Simulator
  let client: OpenAI
  before(async () => {
    simulator = await startSimulator()
    client = openaiClient(simulator)
  })
  beforeEach(() => simulator.reset())
  after(() => simulator.close())

  it('answers with text, a dated model and the usage it bills', async () => {
    const answer = await client.chat.completions.create({ model: 'gpt-4o', messages })
    const call = onlyCall(simulator)
    assert.equal(answer.model, 'gpt-4o-2024-08-06')
    assert.equal(answer.choices[0]?.finish_reason, 'stop')
    assert.match(answer.choices[0].message.content ?? '', /Lisbon/)
    assert.deepEqual(usageOf(answer), billedUsage(call))
    assert.equal(call.id, answer.id)
    assert.equal(call.outcome, 'ok')
    assert.equal(call.stream, false)
  })

  it('counts as tiktoken does', async () => {
    const answer = await client.chat.completions.create({ model: 'gpt-4o', messages })
    const encoder = get_encoding('o200k_base')
    const text = answer.choices[0]?.message.content ?? ''
    const question = encoder.encode_ordinary(messages[0]?.content ?? '').length
    assert.equal(answer.usage?.completion_tokens, encoder.encode_ordinary(text).length)
    assert.equal(answer.usage.prompt_tokens, question + 3 + 1 + 3)
    encoder.free()
  })

  it('streams the same text as it answers at once', async () => {
    const answer = await client.chat.completions.create({ model: 'gpt-4o-mini', messages })
    const chunks = await collect(
      await client.chat.completions.create({ model: 'gpt-4o-mini', messages, stream: true }),
    )
    const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
    assert.equal(text, answer.choices[0]?.message.content)
    assert.ok(chunks.length > 10)
    assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'stop')
    assert.ok(chunks.every((chunk) => !('usage' in chunk)))
  })

  it('streams usage when asked: null on earlier chunks, no choices on the last', async () => {
    const chunks = await collect(
      await client.chat.completions.create({
        model: 'gpt-4o-mini',
        messages,
        stream: true,
        stream_options: { include_usage: true },
      }),
    )
    const last = chunks.at(-1)
    assert.deepEqual(last?.choices, [])
    assert.deepEqual(usageOf(last), billedUsage(onlyCall(simulator)))
    assert.ok(chunks.slice(0, -1).every(({ usage }) => usage === null))
  })

  it('stops at the token limit by either name and says so', async () => {
    for (const name of ['max_tokens', 'max_completion_tokens']) {
      simulator.reset()
      const limited = { model: 'gpt-4o', messages, [name]: 7 }
      const answer = await client.chat.completions.create(limited)
      assert.equal(answer.usage?.completion_tokens, 7)
      assert.equal(answer.choices[0]?.finish_reason, 'length')
      assert.equal(onlyCall(simulator).output_tokens, 7)
    }
  })

  it('puts reasoning inside the output of reasoning models and under their limit', async () => {
    const free = await client.chat.completions.create({ model: 'gpt-5-mini', messages })
    const reasoning = free.usage?.completion_tokens_details?.reasoning_tokens ?? 0
    assert.ok(reasoning >= 64)
    assert.ok(reasoning < (free.usage?.completion_tokens ?? 0))
    const limited = await client.chat.completions.create({
      model: 'gpt-5-mini',
      messages,
      max_completion_tokens: 32,
    })
    assert.equal(limited.usage?.completion_tokens_details?.reasoning_tokens, 32)
    assert.equal(limited.usage.completion_tokens, 32)
    assert.equal(limited.choices[0]?.message.content, '')
    assert.equal(limited.choices[0].finish_reason, 'length')
  })

  it('refuses max_tokens for reasoning models, as OpenAI does', async () => {
    const limited = { model: 'o4-mini', messages, ['max_tokens']: 9 }
    const request = client.chat.completions.create(limited)
    await assert.rejects(request, { status: 400 })
    assert.deepEqual(simulator.billed(), [])
  })

  it('reads a repeated long prompt from the cache', async () => {
    const long = [{ role: 'user' as const, content: longText(800) }]
    const grown = [{ role: 'user' as const, content: `${longText(800)} And in June?` }]
    const ask = (prompt: typeof long) =>
      client.chat.completions.create({ model: 'gpt-4o', messages: prompt })
    const cached = [await ask(long), await ask(long), await ask(grown)].map(
      ({ usage }) => usage?.prompt_tokens_details?.cached_tokens,
    )
    const total = simulator.billed()[0]?.input_tokens ?? 0
    assert.deepEqual(cached, [0, Math.floor(total / 128) * 128, 1024])
    assert.deepEqual(
      simulator.billed().map(({ cache_read_tokens }) => cache_read_tokens),
      cached,
    )
  })

  it('gives the same reply for the same seed, and another for another', async () => {
    const replies = await Promise.all(
      [5, 5, 6].map(async (seed) => {
        const other = await startSimulator({ seed })
        const answer = await openaiClient(other).chat.completions.create({
          model: 'gpt-4o',
          messages,
        })
        await other.close()
        return answer.choices[0]?.message.content
      }),
    )
    assert.equal(replies[0], replies[1])
    assert.notEqual(replies[0], replies[2])
  })

  it('counts hostile prompts without a stall', async () => {
    const prompts = ['a', ' ', '漢', '🥐', '<|endoftext|>'].flatMap((unit) => [
      unit.repeat(8000 / unit.length),
      unit.repeat(900_000 / unit.length),
    ])
    const startedMs = performance.now()
    for (const content of prompts) {
      const answer = await client.chat.completions.create({
        model: 'gpt-4o',
        messages: [{ role: 'user', content }],
      })
      assert.ok((answer.usage?.prompt_tokens ?? 0) > 50)
    }
    assert.ok(performance.now() - startedMs < 5000)
  })

  it('lists its models', async () => {
    const models = await collect(await client.models.list())
    const ids = models.map(({ id }) => id)
    assert.ok(ids.includes('gpt-4o-mini'))
    assert.ok(ids.includes('gpt-5-2025-08-07'))
    assert.equal(new Set(ids).size, ids.length)
  })
})
