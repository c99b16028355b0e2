import assert from 'node:assert/strict'
import type OpenAI from 'openai'
import { startSimulator, type Simulator } from '../../scripts/simulator/index.js'
import { collect, longText, onlyCall, openaiClient } from './support.js'

const input = 'What is there to see in Lisbon in May?'

describe('the simulator as OpenAI responses', () => {
  let simulator: Simulator
  let client: OpenAI
  before(async () => {
    simulator = await startSimulator()
    client = openaiClient(simulator)
  })
  beforeEach(() => simulator.reset())
  after(() => simulator.close())

  it('answers with text and the usage it bills', async () => {
    const answer = await client.responses.create({
      model: 'gpt-5',
      input,
      instructions: 'Be brief',
    })
    const call = onlyCall(simulator)
    assert.equal(answer.object, 'response')
    assert.equal(answer.status, 'completed')
    assert.match(answer.output_text, /Lisbon/)
    assert.deepEqual(answer.usage, {
      input_tokens: call.input_tokens,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: call.output_tokens,
      output_tokens_details: { reasoning_tokens: call.reasoning_tokens },
      total_tokens: call.input_tokens + call.output_tokens,
    })
    assert.ok(call.reasoning_tokens > 0)
  })

  it('streams events from which the SDK builds the same response', async () => {
    const answer = await client.responses.create({ model: 'gpt-5', input })
    simulator.reset()
    const stream = client.responses.stream({ model: 'gpt-5', input })
    const events = await collect(stream)
    const final = await stream.finalResponse()
    assert.equal(final.output_text, answer.output_text)
    assert.equal(final.usage?.output_tokens, onlyCall(simulator).output_tokens)
    assert.deepEqual(
      events.map(({ sequence_number: number }) => number),
      events.map((_, index) => index),
    )
  })

  it('sends the event types in their order', async () => {
    const events = await collect(
      await client.responses.create({ model: 'gpt-4.1', input, stream: true }),
    )
    const types = events.map(({ type }) => type)
    assert.deepEqual(
      types.filter((type, index) => type !== types[index - 1]),
      [
        'response.created',
        'response.in_progress',
        'response.output_item.added',
        'response.content_part.added',
        'response.output_text.delta',
        'response.output_text.done',
        'response.content_part.done',
        'response.output_item.done',
        'response.completed',
      ],
    )
  })

  it('is incomplete at max_output_tokens', async () => {
    const answer = await client.responses.create({ model: 'gpt-4o', input, max_output_tokens: 20 })
    assert.equal(answer.status, 'incomplete')
    assert.equal(answer.incomplete_details?.reason, 'max_output_tokens')
    assert.equal(answer.usage?.output_tokens, 20)
    const events = await collect(
      await client.responses.create({ model: 'gpt-5', input, max_output_tokens: 20, stream: true }),
    )
    assert.equal(events.at(-1)?.type, 'response.incomplete')
  })

  it('reads a repeated long prompt from the cache', async () => {
    const long = { model: 'gpt-4o', input: [{ role: 'user' as const, content: longText(800) }] }
    await client.responses.create(long)
    const again = await client.responses.create(long)
    assert.ok((again.usage?.input_tokens_details.cached_tokens ?? 0) >= 1024)
  })
})

describe('the simulator as OpenAI embeddings', () => {
  let simulator: Simulator
  let client: OpenAI
  before(async () => {
    simulator = await startSimulator()
    client = openaiClient(simulator)
  })
  beforeEach(() => simulator.reset())
  after(() => simulator.close())

  it('embeds texts and bills their tokens', async () => {
    const answer = await client.embeddings.create({
      model: 'text-embedding-3-small',
      input: ['hello world', 'hello world', 'goodbye'],
    })
    const [first, second, third] = answer.data.map(({ embedding }) => embedding)
    assert.equal(first?.length, 1536)
    assert.deepEqual(first, second)
    assert.notDeepEqual(first, third)
    assert.ok(Math.abs(Math.hypot(...first) - 1) < 1e-3)
    assert.equal(answer.usage.prompt_tokens, onlyCall(simulator).input_tokens)
    assert.equal(onlyCall(simulator).output_tokens, 0)
  })

  it('takes token ids, dimensions and float encoding', async () => {
    const answer = await client.embeddings.create({
      model: 'text-embedding-3-large',
      input: [
        [1, 2, 3],
        [4, 5],
      ],
      dimensions: 8,
      encoding_format: 'float',
    })
    assert.deepEqual(
      answer.data.map(({ embedding }) => embedding.length),
      [8, 8],
    )
    assert.equal(answer.usage.total_tokens, 5)
  })

  it('has no chat model for embeddings', async () => {
    const request = client.embeddings.create({ model: 'gpt-4o', input: 'x' })
    await assert.rejects(request, { status: 404, code: 'model_not_found' })
  })
})
