import assert from 'node:assert/strict'
import { figures, readBody, readJson, readSse } from './reading.js'

const usage = { prompt_tokens: 3000, completion_tokens: 40, total_tokens: 3040 }
const completion = {
  ...{ id: 'chatcmpl-1', object: 'chat.completion', model: 'gpt-4o-mini', usage },
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello!' } }],
}
const chunks = (id: string, input: number, output: number) => [
  {
    ...{ id, object: 'chat.completion.chunk', model: 'gpt-4o' },
    choices: [{ index: 0, delta: { content: 'Yes' } }],
  },
  {
    ...{ id, object: 'chat.completion.chunk', model: 'gpt-4o', choices: [] },
    usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output },
  },
]
const message = (id: string, input: number, output: number) => [
  {
    type: 'message_start',
    message: {
      ...{ id, type: 'message', model: 'claude-sonnet-4-5' },
      usage: { input_tokens: input, output_tokens: 1 },
    },
  },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Yes' } },
  { type: 'message_delta', delta: {}, usage: { output_tokens: output } },
]
const response = (id: string, input: number, output: number) => [
  { type: 'response.created', response: { object: 'response', id, model: 'gpt-5', usage: null } },
  { type: 'response.output_text.delta', delta: 'Yes' },
  {
    type: 'response.completed',
    response: {
      ...{ object: 'response', id, model: 'gpt-5', status: 'completed' },
      usage: { input_tokens: input, output_tokens: output, total_tokens: input + output },
    },
  },
]

describe('JSON and events that go out as text', () => {
  const stream = chunks('c', 3000, 40)
    .map((event) => `data: ${JSON.stringify(event)}\n\n`)
    .join('')
  const bodies: [string, string, string][] = [
    ['text/html; charset=utf-8', JSON.stringify(completion), 'gpt-4o-mini'],
    ['text/plain', JSON.stringify(completion, null, 2), 'gpt-4o-mini'],
    ['text/json', JSON.stringify(completion), 'gpt-4o-mini'],
    ['text/plain', stream, 'gpt-4o'],
  ]
  for (const [type, body, model] of bodies) {
    it(`have their figures read: ${type}, ${body.slice(0, 8).replaceAll('\n', ' ')}`, () => {
      const reading = readBody(body, type)
      assert.deepEqual([reading.model, reading.tokens], [model, figures(3000, 40)])
      assert.equal(reading.output_is_final, true)
    })
  }

  it('have the reply read, not the JSON around it', () => {
    assert.deepEqual(readBody('{"reply":"Hello!"}', 'text/html').text, ['Hello!'])
  })

  it('stay text where they say nothing: JSON that a model wrote, and what only looks like it', () => {
    for (const text of ['{"name":"Ann","age":41}', '[1] See there.', '{', 'data: none', 'id: 5']) {
      const reading = readBody(text, 'text/plain')
      assert.equal(reading.text.join(''), text)
      assert.equal(reading.is_unread, undefined)
    }
  })
})

describe('several answers in one response', () => {
  const streams = { chunks, message, response }
  for (const [name, of] of Object.entries(streams)) {
    it(`add up: ${name}`, () => {
      const reading = readSse([...of('a', 100, 50), ...of('b', 300, 70), ...of('c', 5, 6)])
      assert.deepEqual(reading.tokens, figures(405, 126))
      assert.equal(reading.output_is_final, true)
      assert.equal(reading.generation_id, 'a')
    })
  }

  it('add up in a list', () => {
    const { tokens } = readJson([completion, { ...completion, id: 'chatcmpl-2' }])
    assert.deepEqual(tokens, figures(6000, 80))
  })

  it('are not taken for several where a provider repeats its figures, or changes ids', () => {
    const [first, last] = chunks('a', 100, 50)
    assert.deepEqual(readSse([first, last, last]).tokens, figures(100, 50))
    const growing = [10, 20, 50].map((output, index) => {
      const [chunk] = chunks(`id-${index}`, 100, output)
      const counts = { prompt_tokens: 100, completion_tokens: output, total_tokens: 100 + output }
      return { ...chunk, usage: counts }
    })
    assert.deepEqual(readSse([...growing, chunks('id-9', 100, 50)[1]]).tokens, figures(100, 50))
  })
})

describe("a host's own answer with the usage of a library", () => {
  const usages = {
    usage: [
      { inputTokens: 300, outputTokens: 400, totalTokens: 700 },
      { promptTokens: 300, completionTokens: 400, totalTokens: 700 },
      { billed_units: { input_tokens: 300, output_tokens: 400 } },
    ],
    totalUsage: [{ inputTokens: 300, outputTokens: 400, totalTokens: 700 }],
    usage_metadata: [{ input_tokens: 300, output_tokens: 400, total_tokens: 700 }],
  }
  for (const [key, shapes] of Object.entries(usages)) {
    for (const shape of shapes) {
      it(`has its model and provider: ${key}, ${Object.keys(shape).join(', ')}`, () => {
        const reading = readJson({ reply: 'Hi', model: 'gpt-4o-mini', [key]: shape })
        assert.equal(reading.model, 'gpt-4o-mini')
        assert.deepEqual([reading.tokens.input_tokens, reading.tokens.output_tokens], [300, 400])
      })
    }
  }

  it('names its provider', () => {
    const usage = { inputTokens: 300, outputTokens: 400 }
    const answer = { reply: 'Hi', model: 'my-model', provider: 'openai', usage }
    assert.equal(readJson(answer).provider, 'openai')
  })
})

describe('figures that few providers give', () => {
  it("are Voyage's total of embeddings", () => {
    const data = [{ object: 'embedding', embedding: [0.1], index: 0 }]
    const voyage = { object: 'list', data, model: 'voyage-3', usage: { total_tokens: 10 } }
    assert.deepEqual(readJson(voyage).tokens, figures(10, 0))
  })

  it("are Perplexity's cost", () => {
    const counts = { ...usage, cost: { input_tokens_cost: 0.01, total_cost: 0.41 } }
    const sonar = { ...completion, model: 'sonar-deep-research', usage: counts }
    assert.equal(readJson(sonar).cost_usd, 0.41)
  })

  it("are the thoughts of Gemini's compatible endpoint, which are in the total only", () => {
    const counts = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 90 }
    const { tokens, usage_flags } = readJson({
      ...completion,
      model: 'gemini-2.5-flash',
      usage: counts,
    })
    assert.deepEqual(tokens, { ...figures(10, 80), reasoning_tokens: 75 })
    assert.deepEqual(usage_flags, [])
  })

  it("are Moonshot's cached tokens", () => {
    const moonshot = { ...completion, model: 'kimi-k2', usage: { ...usage, cached_tokens: 1000 } }
    assert.equal(readJson(moonshot).tokens.cache_read_tokens, 1000)
  })
})
