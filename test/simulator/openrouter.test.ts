import assert from 'node:assert/strict'
import type OpenAI from 'openai'
import { startSimulator, type Simulator } from '../../scripts/simulator/index.js'
import { collect, onlyCall, openrouterClient } from './support.js'

const messages = [{ role: 'user' as const, content: 'What is there to see in Lisbon in May?' }]
const headers = { authorization: 'Bearer any' }

describe('the simulator as OpenRouter', () => {
  let simulator: Simulator
  let client: OpenAI
  before(async () => {
    simulator = await startSimulator()
    client = openrouterClient(simulator)
  })
  beforeEach(() => simulator.reset())
  after(() => simulator.close())

  it('answers with its id, the serving provider and the cost it bills', async () => {
    const model = 'openai/gpt-4o-mini'
    const answer = await client.chat.completions.create({ model, messages })
    const call = onlyCall(simulator)
    assert.match(answer.id, /^gen-/)
    assert.ok('provider' in answer)
    assert.equal(answer.provider, 'OpenAI')
    assert.equal(answer.model, model)
    assert.equal(answer.usage?.prompt_tokens, call.input_tokens)
    assert.equal(answer.usage.completion_tokens, call.output_tokens)
    assert.ok('cost' in answer.usage)
    assert.equal(answer.usage.cost, call.cost_usd)
    const expected = (call.input_tokens * 0.15 + call.output_tokens * 0.6) / 1e6
    assert.ok(Math.abs((call.cost_usd ?? 0) - expected) < 1e-12)
  })

  it('streams usage unasked, after comments while the model is thinking', async () => {
    const response = await fetch(`${simulator.url}/api/v1/chat/completions`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ model: 'deepseek/deepseek-r1', messages, stream: true }),
    })
    const text = await response.text()
    assert.match(text, /^: OPENROUTER PROCESSING\n\n/)
    assert.match(text, /data: \[DONE\]\n\n$/)
    assert.ok(onlyCall(simulator).reasoning_tokens > 0)
    assert.equal(response.headers.get('x-generation-id'), onlyCall(simulator).id)
  })

  it('streams through the openai SDK with the cost on the last chunk', async () => {
    const chunks = await collect(
      await client.chat.completions.create({
        model: 'anthropic/claude-sonnet-4.5',
        messages,
        stream: true,
      }),
    )
    const usage = chunks.at(-1)?.usage
    assert.ok(usage && 'cost' in usage)
    assert.equal(usage.cost, onlyCall(simulator).cost_usd)
    assert.equal(usage.completion_tokens, onlyCall(simulator).output_tokens)
  })

  it('tells afterwards what a generation cost', async () => {
    const model = 'google/gemini-2.5-flash'
    const { id } = await client.chat.completions.create({ model, messages })
    const response = await fetch(`${simulator.url}/api/v1/generation?id=${id}`, { headers })
    const call = onlyCall(simulator)
    const { data } = (await response.json()) as { data: Record<string, unknown> }
    assert.equal(data['total_cost'], call.cost_usd)
    assert.equal(data['native_tokens_prompt'], call.input_tokens)
    assert.equal(data['native_tokens_completion'], call.output_tokens)
    assert.equal(data['provider_name'], 'Google')
    assert.equal(data['cancelled'], false)
  })

  it('has no generation of an unknown id', async () => {
    const response = await fetch(`${simulator.url}/api/v1/generation?id=gen-x`, { headers })
    assert.equal(response.status, 404)
    assert.deepEqual(await response.json(), {
      error: { message: 'Generation gen-x not found', code: 404 },
    })
  })
})
