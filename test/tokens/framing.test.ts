import assert from 'node:assert/strict'
import { get_encoding, type Tiktoken } from 'tiktoken'
import { encodingOf, type EncodingName } from '../../src/tokens/encoding.js'
import { framePrompt, maxMessages, type PromptText } from '../../src/tokens/framing.js'
import { manyProperties, manyTools } from './support.js'

/** The examples and the figures of OpenAI's cookbook, "How to count tokens with tiktoken". */
const jargon: PromptText = {
  messages: [
    {
      role: 'system',
      text: 'You are a helpful, pattern-following assistant that translates corporate jargon into plain English.',
    },
    {
      role: 'system',
      name: 'example_user',
      text: 'New synergies will help drive top-line growth.',
    },
    {
      role: 'system',
      name: 'example_assistant',
      text: 'Things working well together will increase revenue.',
    },
    {
      role: 'system',
      name: 'example_user',
      text: "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
    },
    {
      role: 'system',
      name: 'example_assistant',
      text: "Let's talk later when we're less busy about how to do better.",
    },
    {
      role: 'user',
      text: "This late pivot means we don't have time to boil the ocean for the client deliverable.",
    },
  ],
}

const weatherFunction = {
  name: 'get_current_weather',
  description: 'Get the current weather in a given location',
  parameters: {
    type: 'object',
    properties: {
      location: { type: 'string', description: 'The city and state, e.g. San Francisco, CA' },
      unit: {
        type: 'string',
        description: 'The unit of temperature to return',
        enum: ['celsius', 'fahrenheit'],
      },
    },
    required: ['location'],
  },
}

const weather: PromptText = {
  messages: [
    {
      role: 'system',
      text: 'You are a helpful assistant that can answer to questions about the weather.',
    },
    { role: 'user', text: "What's the weather like in San Francisco?" },
  ],
  tools: [{ type: 'function', function: weatherFunction }],
}

describe('the framing of a prompt', () => {
  const encoders = new Map<EncodingName, Tiktoken>()

  function tokens(prompt: PromptText, model: string): number {
    const { encoding } = encodingOf(model)
    const encoder = encoders.get(encoding) ?? get_encoding(encoding)
    encoders.set(encoding, encoder)
    const { texts, overhead, scale } = framePrompt(prompt, encoding)
    const inTexts = texts.map((text) => encoder.encode_ordinary(text).length)
    return (inTexts.reduce((sum, count) => sum + count, 0) + overhead) * scale
  }

  after(() => {
    for (const encoder of encoders.values()) encoder.free()
  })

  const published = [
    { model: 'gpt-3.5-turbo', messages: 129, tools: 105 },
    { model: 'gpt-4', messages: 129, tools: 105 },
    { model: 'gpt-4-0613', messages: 129, tools: 105 },
    { model: 'gpt-4o', messages: 124, tools: 101 },
    { model: 'gpt-4o-mini', messages: 124, tools: 101 },
  ]
  for (const { model, messages, tools } of published) {
    it(`gives what OpenAI counts for its published examples with ${model}`, () => {
      assert.equal(tokens(jargon, model), messages)
      assert.equal(tokens(weather, model), tools)
    })
  }

  it('takes the same tools in the shapes of other APIs', () => {
    const { parameters, ...named } = weatherFunction
    const others = [
      [weatherFunction],
      [{ type: 'function', ...weatherFunction, strict: true }],
      [{ ...named, input_schema: parameters }],
    ]
    for (const list of others) assert.equal(tokens({ ...weather, tools: list }, 'gpt-4o'), 101)
  })

  it('adds nothing to plain text', () => {
    assert.equal(tokens({ messages: [{ text: 'hello world' }] }, 'gpt-4o'), 2)
    const inputs = { messages: [{ text: 'hello world' }, { text: 'hello world' }] }
    assert.equal(tokens(inputs, 'text-embedding-3-small'), 4)
    assert.equal(tokens({ messages: [] }, 'gpt-4o'), 0)
  })

  it('gives every usual role one token', () => {
    for (const role of ['system', 'user', 'assistant', 'tool', 'function', 'developer', 'model']) {
      for (const model of ['gpt-4o', 'gpt-4']) {
        assert.equal(tokens({ messages: [{ role, text: '' }] }, model), 3 + 1 + 3)
      }
    }
  })

  it('counts nested properties like outer ones', () => {
    const parameters = (place: unknown) => ({ type: 'object', properties: { place } })
    const inner = { properties: { city: { type: 'string', description: 'Where' } } }
    const tool = (place: unknown) => [{ name: 'go', parameters: parameters(place) }]
    const flat = tokens({ messages: [], tools: tool({ type: 'object' }) }, 'gpt-4o')
    const nested = tokens({ messages: [], tools: tool({ type: 'object', ...inner }) }, 'gpt-4o')
    const listed = tokens({ messages: [], tools: tool({ type: 'object', items: inner }) }, 'gpt-4o')
    const line = tokens({ messages: [{ text: 'city:string:Where' }] }, 'gpt-4o')
    assert.equal(nested, flat + 3 + 3 + line)
    assert.equal(listed, nested)
  })

  it('counts a tool that is no function as its JSON', () => {
    const tools = [{ type: 'web_search', max_uses: 3 }]
    const { texts } = framePrompt({ messages: [], tools }, 'o200k_base')
    assert.deepEqual(texts, [JSON.stringify(tools[0])])
  })

  it('looks at the first of an endless list of tools or properties, and guesses the rest', () => {
    const size = (tools: unknown) => {
      const { texts, overhead, isWhole } = framePrompt({ messages: [], tools }, 'o200k_base')
      return { isWhole, size: overhead + texts.join('').length / 4 }
    }
    for (const tools of [manyProperties, manyTools]) {
      const one = size(tools(500))
      const all = size(tools(30_000))
      assert.deepEqual([one.isWhole, all.isWhole], [true, false])
      assert.ok(Math.abs(all.size / one.size / 60 - 1) < 0.1, `${all.size} for ${one.size} × 60`)
    }
  })

  it('takes messages and tools that are not what their types say', () => {
    const odd: unknown = JSON.parse(
      '{"messages":[{"role":"user","text":7,"name":{}},{"role":5,"text":null}],' +
        '"tools":[null,3,"x",{"name":1},{"name":"f","parameters":{"properties":[1]}},' +
        '{"name":"g","parameters":{"properties":{"a":null,"b":{"type":[1],"enum":[null,{}]}}}}]}',
    )
    const { texts } = framePrompt(odd as PromptText, 'cl100k_base')
    assert.ok(texts.every((text) => typeof text === 'string'))
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    assert.deepEqual(framePrompt({ messages: [], tools: [cyclic] }, 'o200k_base').texts, [''])
  })

  it('looks at the first messages of an endless list and scales by length', () => {
    const text = 'hello world'
    const messages = Array.from({ length: 2 * maxMessages }, () => ({ role: 'user', text }))
    const framed = framePrompt({ messages }, 'o200k_base')
    assert.deepEqual([framed.texts.length, framed.scale], [maxMessages, 2])
    const long = [...messages.slice(0, maxMessages), { role: 'user', text: text.repeat(100_000) }]
    assert.ok(framePrompt({ messages: long }, 'o200k_base').scale > 5)
  })
})
