import assert from 'node:assert/strict'
import { startSimulator, type Simulator } from '../../scripts/simulator/index.js'
import {
  anthropicClient,
  collect,
  fault,
  onlyCall,
  openaiClient,
  openrouterClient,
  settledCall,
} from './support.js'

const messages = [{ role: 'user' as const, content: 'What is there to see in Lisbon in May?' }]
const chat = { model: 'gpt-4o', messages }

describe('a client that leaves the simulator', () => {
  let simulator: Simulator
  before(async () => {
    simulator = await startSimulator({ pace: 'realistic' })
  })
  beforeEach(() => simulator.reset())
  after(() => simulator.close())

  it('pays for what was made until then', async () => {
    const stream = await openaiClient(simulator).chat.completions.create({ ...chat, stream: true })
    let received = 0
    for await (const { choices } of stream) {
      if (choices[0]?.delta.content) received += 1
      if (received === 5) break
    }
    const call = await settledCall(simulator)
    assert.equal(call.outcome, 'client_aborted')
    assert.ok(call.output_tokens >= 5 && call.output_tokens <= 15, `made ${call.output_tokens}`)
    assert.ok(call.input_tokens > 0)
  })

  it('pays by the token of its own model with Anthropic', async () => {
    const stream = await anthropicClient(simulator).messages.create({
      model: 'claude-opus-4-8',
      max_tokens: 500,
      messages,
      stream: true,
    })
    let deltas = 0
    for await (const event of stream) {
      if (event.type === 'content_block_delta') deltas += 1
      if (deltas === 4) break
    }
    const call = await settledCall(simulator)
    assert.equal(call.outcome, 'client_aborted')
    assert.ok(call.output_tokens >= 6 && call.output_tokens <= 20, `made ${call.output_tokens}`)
  })

  it('pays for the prompt alone when it leaves before the first token', async () => {
    const signal = AbortSignal.timeout(100)
    const request = openaiClient(simulator).chat.completions.create(chat, { signal })
    await assert.rejects(request, /aborted/)
    const call = await settledCall(simulator)
    assert.equal(call.outcome, 'client_aborted')
    assert.equal(call.output_tokens, 0)
    assert.ok(call.input_tokens > 0)
  })

  it('is shown as cancelled by OpenRouter, at the price until then', async () => {
    const stream = await openrouterClient(simulator).chat.completions.create({
      model: 'openai/gpt-4o-mini',
      messages,
      stream: true,
    })
    for await (const { choices } of stream) if (choices[0]?.delta.content) break
    const { id, cost_usd: cost } = await settledCall(simulator)
    const response = await fetch(`${simulator.baseUrls.openrouter}/generation?id=${id}`, {
      headers: { authorization: 'Bearer any' },
    })
    const { data } = (await response.json()) as { data: Record<string, unknown> }
    assert.equal(data['cancelled'], true)
    assert.equal(data['total_cost'], cost)
    assert.ok((cost ?? 0) > 0)
  })
})

describe('the pace of the simulator', () => {
  it('is 150 to 600 ms to the first token and 30 to 80 tokens a second when realistic', async () => {
    const simulator = await startSimulator({ pace: 'realistic', seed: 7 })
    const startedMs = performance.now()
    const stream = await openaiClient(simulator).chat.completions.create({
      ...chat,
      max_completion_tokens: 20,
      stream: true,
    })
    const arrivalsMs: number[] = []
    for await (const { choices } of stream) {
      if (choices[0]?.delta.content !== undefined) arrivalsMs.push(performance.now() - startedMs)
    }
    await simulator.close()
    const firstMs = arrivalsMs[0] ?? 0
    const lastMs = arrivalsMs.at(-1) ?? 0
    assert.ok(firstMs >= 149 && firstMs < 1500, `first after ${firstMs} ms`)
    const tokensPerSecond = 20_000 / (lastMs - firstMs)
    assert.ok(tokensPerSecond > 10 && tokensPerSecond < 85, `${tokensPerSecond} tokens a second`)
  })

  it('is separate chunks without waits when instant', async () => {
    const simulator = await startSimulator()
    const response = await fetch(`${simulator.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer any' },
      body: JSON.stringify({ ...chat, stream: true }),
    })
    assert.ok(response.body)
    const chunks = await collect(response.body)
    await simulator.close()
    assert.ok(chunks.length > 5, `${chunks.length} chunks`)
  })
})

describe('the life of the simulator', () => {
  it('listens on the port it is given, on loopback only', async () => {
    const first = await startSimulator()
    const port = Number(new URL(first.url).port)
    await first.close()
    const second = await startSimulator({ port })
    assert.equal(second.url, `http://127.0.0.1:${port}`)
    await second.close()
  })

  it('fails to start on a port in use', async () => {
    const first = await startSimulator()
    const port = Number(new URL(first.url).port)
    await assert.rejects(startSimulator({ port }), { code: 'EADDRINUSE' })
    await first.close()
  })

  it('closes although a request hangs, and closes twice', async () => {
    const simulator = await startSimulator()
    const request = openaiClient(simulator).chat.completions.create(chat, fault('hang'))
    const rejected = assert.rejects(request)
    await settledCall(simulator)
    await Promise.all([simulator.close(), simulator.close()])
    await rejected
  })

  it('forgets on reset', async () => {
    const simulator = await startSimulator()
    await openaiClient(simulator).chat.completions.create(chat)
    assert.equal(onlyCall(simulator).outcome, 'ok')
    simulator.reset()
    assert.deepEqual(simulator.billed(), [])
    await simulator.close()
  })

  it('keeps the newest calls up to its capacity and counts the others', async () => {
    const simulator = await startSimulator({ billedCapacity: 10 })
    const client = openaiClient(simulator)
    for (let call = 0; call < 25; call += 1) await client.chat.completions.create(chat)
    assert.ok(simulator.billed().length <= 11)
    assert.equal(simulator.billed().length + simulator.droppedCalls(), 25)
    await simulator.close()
  })
})
