import assert from 'node:assert/strict'
import { Ollama } from 'ollama'
import { startSimulator, type Simulator } from '../../scripts/simulator/index.js'
import { onlyCall } from './support.js'

const content = 'What is there to see in Lisbon in May?'
const messages = [{ role: 'user', content }]
const bearer = { authorization: 'Bearer any' }

type Chunk = Record<string, unknown>

describe('what providers add to the wire', () => {
  let simulator: Simulator
  before(async () => {
    simulator = await startSimulator()
  })
  beforeEach(() => simulator.reset())
  after(() => simulator.close())

  const post = async (path: string, body: object, headers: Record<string, string> = bearer) => {
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    const response = await fetch(simulator.url + path, init)
    assert.equal(response.status, 200)
    return { type: response.headers.get('content-type'), wire: await response.text() }
  }
  const chunksOf = (wire: string) =>
    [...wire.matchAll(/^data: (\{.*\})\r?$/gm)].map(([, json]) => JSON.parse(json ?? '') as Chunk)

  const gemini = (query: string) =>
    post(
      `/v1beta/models/gemini-2.5-flash:streamGenerateContent?key=any${query}`,
      { contents: [{ parts: [{ text: content }] }] },
      {},
    )

  it('Gemini streams one JSON array when nobody asks for events', async () => {
    const { type, wire } = await gemini('')
    assert.equal(type, 'application/json; charset=UTF-8')
    const chunks = JSON.parse(wire) as { usageMetadata: Record<string, number> }[]
    const last = chunks.at(-1)?.usageMetadata
    const call = onlyCall(simulator)
    assert.ok(chunks.length > 10)
    assert.equal(last?.['promptTokenCount'], call.input_tokens)
    assert.equal(last['totalTokenCount'], call.input_tokens + call.output_tokens)
  })

  it('Gemini counts up from chunk to chunk, thoughts beside the candidates', async () => {
    const { type, wire } = await gemini('&alt=sse')
    assert.match(type ?? '', /^text\/event-stream/)
    const counts = chunksOf(wire).map(({ usageMetadata }) => usageMetadata as Chunk)
    const call = onlyCall(simulator)
    assert.equal(counts[0]?.['candidatesTokenCount'], undefined)
    assert.ok(counts.every((count) => count['thoughtsTokenCount'] === call.reasoning_tokens))
    const candidates = counts.slice(1).map((count) => Number(count['candidatesTokenCount']))
    assert.deepEqual(
      candidates,
      candidates.toSorted((a, b) => a - b),
    )
    assert.equal(candidates.at(-1), call.output_tokens - call.reasoning_tokens)
  })

  it('Groq tells a stream’s usage twice to those who ask, else once', async () => {
    const body = { model: 'llama-3.3-70b-versatile', messages, stream: true }
    const asked = { ...body, stream_options: { include_usage: true } }
    const usages = async (request: object) =>
      chunksOf((await post('/openai/v1/chat/completions', request)).wire).flatMap((chunk) => {
        const { usage, x_groq } = chunk as { usage?: Chunk; x_groq?: { usage?: Chunk } }
        return [usage, x_groq?.usage].filter((told) => told !== undefined)
      })
    assert.equal((await usages(body)).length, 1)
    const [first, second, ...more] = await usages(asked)
    assert.deepEqual(first, second)
    assert.deepEqual(more, [])
    assert.equal(first?.['completion_tokens'], simulator.billed().at(-1)?.output_tokens)
  })

  it('xAI keeps reasoning out of completion_tokens and tells the cost it bills', async () => {
    const { wire } = await post('/xai/v1/chat/completions', { model: 'grok-4', messages })
    const { model, usage } = JSON.parse(wire) as { model: string; usage: Record<string, number> }
    const call = onlyCall(simulator)
    assert.equal(model, 'grok-4-0709')
    assert.equal(usage['completion_tokens'], call.output_tokens - call.reasoning_tokens)
    assert.equal(usage['total_tokens'], call.input_tokens + call.output_tokens)
    assert.equal((usage['cost_in_usd_ticks'] ?? 0) / 1e10, call.cost_usd)
    const expected = (call.input_tokens * 3 + call.output_tokens * 15) / 1e6
    assert.ok(Math.abs((call.cost_usd ?? 0) - expected) < 1e-9)
  })

  it('DeepSeek tells hits and misses of its cache', async () => {
    const { wire } = await post('/chat/completions', { model: 'deepseek-chat', messages })
    const { usage } = JSON.parse(wire) as { usage: Record<string, number> }
    assert.equal(usage['prompt_cache_hit_tokens'], 0)
    assert.equal(usage['prompt_cache_miss_tokens'], onlyCall(simulator).input_tokens)
  })

  it('Cohere bills less than it counts', async () => {
    const { wire } = await post('/v2/chat', { model: 'command-a-03-2025', messages })
    const { usage } = JSON.parse(wire) as {
      usage: Record<'billed_units' | 'tokens', Record<string, number>>
    }
    const { input_tokens: counted } = onlyCall(simulator)
    assert.equal(usage.tokens['input_tokens'], counted)
    assert.ok((usage.billed_units['input_tokens'] ?? counted) < counted)
  })

  it('Ollama streams lines of JSON unless told not to', async () => {
    const { type, wire } = await post('/api/chat', { model: 'llama3.2', messages }, {})
    assert.equal(type, 'application/x-ndjson')
    const lines = wire.trimEnd().split('\n')
    const last = JSON.parse(lines.at(-1) ?? '') as Chunk
    assert.equal(last['eval_count'], onlyCall(simulator).output_tokens)
  })

  it('Ollama stops at num_predict', async () => {
    const client = new Ollama({ host: simulator.url })
    const asked = { model: 'qwen3', prompt: content, options: { num_predict: 5 } }
    const answer = await client.generate(asked)
    assert.equal(answer.done_reason, 'length')
    assert.equal(answer.eval_count, 5)
  })

  it('Ollama embeds texts and counts their tokens', async () => {
    const client = new Ollama({ host: simulator.url })
    const answer = await client.embed({ model: 'all-minilm', input: ['one', 'two and three'] })
    assert.deepEqual(
      answer.embeddings.map(({ length }) => length),
      [384, 384],
    )
    assert.equal(answer.prompt_eval_count, onlyCall(simulator).input_tokens)
  })

  it('Bedrock names the call in a header and takes a bearer key', async () => {
    const response = await fetch(`${simulator.url}/model/amazon.nova-lite-v1%3A0/converse`, {
      method: 'POST',
      headers: bearer,
      body: JSON.stringify({ messages: [{ role: 'user', content: [{ text: content }] }] }),
    })
    assert.equal(response.status, 200)
    const call = onlyCall(simulator)
    assert.equal(response.headers.get('x-amzn-requestid'), call.id)
    assert.equal(call.model, 'amazon.nova-lite-v1:0')
  })
})
