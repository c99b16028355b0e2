import assert from 'node:assert/strict'
import { nanoUsd } from '../../src/event.js'
import { figures, readJson, readSse } from './reading.js'

const chunk = (model: string, more: object) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  model,
  choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: null }],
  ...more,
})
const usage = { prompt_tokens: 20, completion_tokens: 10, total_tokens: 30 }
const whole = (model: string, more: object = {}) => ({
  id: 'x',
  object: 'chat.completion',
  model,
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage,
  ...more,
})

describe("providers that speak OpenAI's formats", () => {
  it('reads embeddings as sent only', () => {
    const body = (model: string, counts: object) => ({
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.1, 0.2] }],
      model,
      usage: counts,
    })
    const openai = readJson(body('text-embedding-3-small', { prompt_tokens: 8, total_tokens: 8 }))
    assert.deepEqual(openai.tokens, figures(8, 0))
    assert.equal(openai.provider, 'openai')
    assert.equal(openai.output_is_final, true)
    const mistral = readJson(
      body('mistral-embed', { prompt_tokens: 8, completion_tokens: 0, total_tokens: 8 }),
    )
    assert.deepEqual([mistral.provider, mistral.tokens], ['mistral', figures(8, 0)])
  })

  it("knows Azure by the first chunk's filter results, or by its host", () => {
    const first = {
      choices: [],
      created: 0,
      id: '',
      model: '',
      object: '',
      prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }],
    }
    const stream = [
      first,
      chunk('gpt-4o-2024-11-20', {}),
      chunk('gpt-4o-2024-11-20', { choices: [], usage }),
    ]
    const reading = readSse(stream)
    assert.deepEqual(reading.tokens, figures(20, 10))
    assert.deepEqual([reading.provider, reading.model], ['azure', 'gpt-4o-2024-11-20'])
    assert.equal(reading.generation_id, 'chatcmpl-1')
    const host = 'my-resource.openai.azure.com'
    const path = '/openai/deployments/my%20chat/chat/completions?api-version=2024-10-21'
    const told = readJson(whole('gpt-4o'), { host, path })
    assert.deepEqual([told.provider, told.model], ['azure', 'gpt-4o'])
    const nameless = { ...whole('gpt-4o'), model: undefined }
    assert.equal(readJson(nameless, { host, path }).model, 'my chat')
  })

  it('adds the reasoning of xAI, and reads its ticks as cost', () => {
    const counts = {
      prompt_tokens: 32,
      completion_tokens: 9,
      total_tokens: 135,
      completion_tokens_details: { reasoning_tokens: 94 },
      num_sources_used: 0,
      cost_in_usd_ticks: 16_275_000,
    }
    const stream = [
      chunk('grok-4-0709', { usage: { ...counts, completion_tokens: 1, total_tokens: 127 } }),
      chunk('grok-4-0709', { choices: [], usage: counts }),
    ]
    const reading = readSse(stream)
    assert.deepEqual(reading.tokens, figures(32, 103, { reasoning_tokens: 94 }))
    assert.deepEqual([reading.provider, reading.cost_usd], ['xai', 0.0016275])
    const inside = { ...counts, completion_tokens: 103 }
    assert.deepEqual(readJson(whole('grok-4', { usage: inside })).tokens, reading.tokens)
    const untotalled = { ...counts, total_tokens: undefined }
    assert.deepEqual(readJson(whole('grok-4', { usage: untotalled })).tokens, reading.tokens)
  })

  it('counts what Groq reports twice once', () => {
    const groq = { id: 'req_1', usage: { ...usage, queue_time: 0.1, prompt_time: 0.2 } }
    const both = [
      chunk('llama-3.3-70b-versatile', { x_groq: { id: 'req_1' } }),
      chunk('llama-3.3-70b-versatile', { choices: [], x_groq: groq, usage: groq.usage }),
    ]
    const only = [both[0], chunk('llama-3.3-70b-versatile', { choices: [], x_groq: groq })]
    for (const stream of [both, only]) {
      const reading = readSse(stream)
      assert.deepEqual(reading.tokens, figures(20, 10))
      assert.equal(reading.provider, 'groq')
    }
  })

  it("reads DeepSeek's cache split, and Mistral's parts and tier", () => {
    const cached = { ...usage, prompt_cache_hit_tokens: 16, prompt_cache_miss_tokens: 4 }
    const deepseek = readSse([
      chunk('deepseek-chat', { usage: null }),
      chunk('deepseek-chat', { choices: [], usage: cached }),
    ])
    assert.deepEqual(deepseek.tokens, figures(20, 10, { cache_read_tokens: 16 }))
    assert.equal(deepseek.provider, 'deepseek')
    const content = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'Hmm. ' }] },
      { type: 'text', text: 'Hi' },
    ]
    const choices = [{ index: 0, delta: { content }, finish_reason: 'stop' }]
    const mistral = readSse([
      chunk('magistral-medium-2509', { choices, usage: { ...usage, service_tier: 'priority' } }),
    ])
    assert.equal(mistral.text.join(''), 'Hmm. Hi')
    assert.deepEqual([mistral.provider, mistral.service_tier], ['mistral', 'priority'])
  })

  it("adds the upstream's price to OpenRouter's fee when the key is the caller's own", () => {
    const read = (more: object) =>
      readJson(
        whole('openai/gpt-4o', { id: 'gen-1', provider: 'Azure', usage: { ...usage, ...more } }),
      )
    const upstream = { cost_details: { upstream_inference_cost: 0.0125 } }
    const byok = read({ cost: 0.000625, is_byok: true, ...upstream })
    assert.deepEqual([byok.provider, byok.generation_id], ['openrouter', 'gen-1'])
    assert.equal(nanoUsd(byok.cost_usd), 13_125_000)
    assert.equal(read({ cost: 0.0125, is_byok: false, ...upstream }).cost_usd, 0.0125)
    assert.equal(read({ cost: 0 }).cost_usd, 0)
    const untold = { cost_details: { upstream_inference_cost: null } }
    assert.equal(read({ cost: 0, is_byok: true, ...untold }).cost_usd, undefined)
    const bad = read({ cost: -1 })
    assert.deepEqual([bad.cost_usd, bad.usage_flags], [undefined, ['cost_usd_invalid']])
    const cached = { prompt_tokens_details: { cached_tokens: 8, cache_write_tokens: 5 } }
    const parts = { cache_read_tokens: 8, cache_write_tokens: 5 }
    assert.deepEqual(read(cached).tokens, figures(20, 10, parts))
  })

  it('tells providers apart by model only where the name is its vendor’s own', () => {
    const models: Record<string, string | undefined> = {
      'gpt-5-mini': 'openai',
      'ft:gpt-4o-mini:acme::abc': 'openai',
      'o4-mini': 'openai',
      'gemini-2.5-flash': 'google',
      'claude-sonnet-4-5': 'anthropic',
      'mistral-small-latest': 'mistral',
      'deepseek-reasoner': 'deepseek',
      'grok-4': 'xai',
      'gpt-oss:20b': undefined,
      'deepseek-r1:8b': undefined,
      'llama-3.1-8b-instruct': undefined,
    }
    for (const [model, provider] of Object.entries(models)) {
      assert.equal(readJson(whole(model)).provider, provider, model)
    }
    assert.equal(
      readJson(whole('llama3.2', { system_fingerprint: 'fp_ollama' })).provider,
      'ollama',
    )
    assert.equal(readJson(whole('gpt-4o'), { provider: 'my-gateway' }).provider, 'my-gateway')
  })

  it('reads Responses of others, and the service tier of all', () => {
    const response = (more: object) => ({
      object: 'response',
      id: 'resp_1',
      model: 'gpt-5',
      service_tier: 'flex',
      status: 'completed',
      output: [],
      usage: {
        input_tokens: 30,
        input_tokens_details: { cached_tokens: 10, cache_write_tokens: 5 },
        output_tokens: 20,
        output_tokens_details: { reasoning_tokens: 12 },
        total_tokens: 50,
      },
      ...more,
    })
    const parts = { cache_read_tokens: 10, cache_write_tokens: 5, reasoning_tokens: 12 }
    const openai = readJson(response({}))
    assert.deepEqual(openai.tokens, figures(30, 20, parts))
    assert.deepEqual([openai.provider, openai.service_tier], ['openai', 'flex'])
    assert.equal(readJson(response({ content_filters: [] })).provider, 'azure')
    assert.equal(readJson(response({ id: 'gen-1' })).provider, 'openrouter')
    assert.equal(readJson(whole('gpt-4o', { service_tier: 'priority' })).service_tier, 'priority')
  })
})
