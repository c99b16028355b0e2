import assert from 'node:assert/strict'
import { payload } from '../helpers/fixtures.js'
import { figures, readBody, readJson, readSse } from './reading.js'

describe('Gemini', () => {
  const events = payload('gemini/stream-alt-sse.sse').toString('utf8').split('\r\n\r\n')
  const chunks = events.filter(Boolean).map((event) => event.replace(/^data: /, ''))
  const array = `[${chunks.join(',\r\n')}\n]`
  const want = figures(11, 77, { reasoning_tokens: 60 })

  it('reads a stream that is a JSON array, also one that was cut', () => {
    const reading = readBody(array, 'application/json; charset=UTF-8')
    assert.deepEqual(reading.tokens, want)
    assert.equal(reading.output_is_final, true)
    assert.equal(reading.text.join(''), 'Lisbon is lovely in May — try a pastel de nata 🥐.')
    const second = array.indexOf(chunks[2] ?? '')
    for (let at = second; at < array.length - 2; at++) {
      const cut = readBody(array.slice(0, at), 'application/json')
      assert.equal(cut.output_is_final, false, `cut at ${at}`)
      assert.deepEqual(cut.tokens, figures(11, 67, { reasoning_tokens: 60 }), `cut at ${at}`)
      assert.equal(cut.text.join(''), 'Lisbon is lovely in May', `cut at ${at}`)
    }
  })

  it('adds what tools sent back to the prompt, and takes the model from the path', () => {
    const usageMetadata = {
      promptTokenCount: 100,
      toolUsePromptTokenCount: 40,
      candidatesTokenCount: 20,
      thoughtsTokenCount: 30,
      totalTokenCount: 190,
      trafficType: 'ON_DEMAND',
    }
    const host = 'us-central1-aiplatform.googleapis.com'
    const path =
      '/v1/projects/p/locations/us-central1/publishers/google/models/gemini-2.5-pro:generateContent'
    const candidates = [{ content: { parts: [{ text: 'Hi' }] }, finishReason: 'STOP' }]
    const reading = readJson({ candidates, usageMetadata }, { host, path })
    assert.deepEqual(reading.tokens, figures(140, 50, { reasoning_tokens: 30 }))
    assert.deepEqual([reading.provider, reading.model], ['google', 'gemini-2.5-pro'])
    assert.deepEqual(reading.usage_flags, [])
  })

  it('reads Interactions, whole and as events', () => {
    const usage = {
      total_input_tokens: 100,
      total_cached_tokens: 40,
      total_tool_use_tokens: 7,
      total_output_tokens: 20,
      total_thought_tokens: 30,
      total_tokens: 157,
    }
    const interaction = {
      id: 'v1_1',
      object: 'interaction',
      model: 'gemini-3-flash',
      status: 'completed',
    }
    const steps = [
      { type: 'thought', summary: [{ type: 'text', text: 'Hmm. ' }] },
      { type: 'model_output', content: [{ type: 'text', text: 'Hi' }] },
    ]
    const want = figures(107, 50, { cache_read_tokens: 40, reasoning_tokens: 30 })
    const whole = readJson({ ...interaction, steps, usage })
    assert.deepEqual([whole.provider, whole.model], ['google', 'gemini-3-flash'])
    assert.deepEqual([whole.tokens, whole.text.join('')], [want, 'Hmm. Hi'])
    const stream = readSse([
      { event_type: 'interaction.created', interaction: { ...interaction, status: 'in_progress' } },
      { event_type: 'step.start', index: 0, step: { type: 'model_output' } },
      { event_type: 'step.delta', index: 0, delta: { type: 'text', text: 'Hi' } },
      { event_type: 'step.stop', index: 0 },
      { event_type: 'interaction.completed', interaction: { ...interaction, usage } },
    ])
    assert.deepEqual([stream.tokens, stream.text.join('')], [want, 'Hi'])
    assert.deepEqual([stream.output_is_final, stream.usage_flags], [true, []])
  })
})

describe('Anthropic', () => {
  it('tells one-hour cache writes and the service tier', () => {
    const usage = {
      input_tokens: 10,
      cache_creation_input_tokens: 300,
      cache_read_input_tokens: 50,
      cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
      output_tokens: 5,
      service_tier: 'batch',
    }
    const parts = { cache_read_tokens: 50, cache_write_tokens: 300, cache_write_1h_tokens: 200 }
    const whole = readJson({ type: 'message', model: 'claude-opus-4-5', content: [], usage })
    assert.deepEqual(whole.tokens, figures(360, 5, parts))
    assert.equal(whole.service_tier, 'batch')
    const message = {
      type: 'message',
      model: 'claude-opus-4-5',
      usage: { ...usage, output_tokens: 1 },
    }
    const stream = readSse([
      { type: 'message_start', message },
      { type: 'message_delta', delta: {}, usage: { output_tokens: 5, input_tokens: null } },
    ])
    assert.deepEqual(stream.tokens, figures(360, 5, parts))
  })

  const opus = { type: 'message', model: 'claude-opus-4-8' }

  it('tells what fast mode and inference in one country cost beside the tier', () => {
    const usage = { input_tokens: 10, output_tokens: 5, service_tier: 'standard' }
    const servedAs = (more: object) =>
      readJson({ ...opus, content: [], usage: { ...usage, ...more } }).service_tier
    assert.equal(servedAs({ speed: 'standard', inference_geo: 'global' }), 'standard')
    assert.equal(servedAs({ speed: null, inference_geo: 'not_available' }), 'standard')
    assert.equal(servedAs({ speed: 'fast', inference_geo: null }), 'fast')
    assert.equal(servedAs({ speed: 'fast', inference_geo: 'us' }), 'fast+us')
    assert.equal(servedAs({ service_tier: 'batch', inference_geo: 'us' }), 'batch+us')
    const message = { ...opus, usage: { ...usage, speed: 'fast' } }
    const delta = { type: 'message_delta', delta: {}, usage: { output_tokens: 5 } }
    assert.equal(readSse([{ type: 'message_start', message }, delta]).service_tier, 'fast')
  })

  it('counts what it took to compact the context, once, and thinking as reasoning', () => {
    const usage = {
      ...{ input_tokens: 23_000, cache_read_input_tokens: 100, cache_creation_input_tokens: 0 },
      ...{ output_tokens: 1_000, output_tokens_details: { thinking_tokens: 300 } },
      iterations: [
        {
          type: 'compaction',
          ...{ input_tokens: 180_000, output_tokens: 3_500 },
          ...{ cache_read_input_tokens: 40, cache_creation_input_tokens: 7 },
        },
        { type: 'message', input_tokens: 23_000, output_tokens: 1_000 },
      ],
    }
    const parts = { cache_read_tokens: 140, cache_write_tokens: 7, reasoning_tokens: 300 }
    const want = figures(23_100 + 180_047, 4_500, parts)
    assert.deepEqual(readJson({ ...opus, content: [], usage }).tokens, want)
    const message = { ...opus, usage: { input_tokens: 23_000, output_tokens: 1 } }
    const sameAgain = { ...usage, input_tokens: null, cache_read_input_tokens: null }
    const stream = readSse([
      { type: 'message_start', message },
      { type: 'message_delta', delta: {}, usage },
      { type: 'message_delta', delta: {}, usage: sameAgain },
    ])
    assert.deepEqual(stream.tokens, want)
  })
})

describe('Cohere', () => {
  const usage = {
    billed_units: { input_tokens: 5, output_tokens: 418 },
    tokens: { input_tokens: 71, output_tokens: 418 },
    cached_tokens: 16,
  }

  it('reads the events of v2, and what is billed', () => {
    const reading = readSse([
      { type: 'message-start', id: 'c1', delta: { message: { role: 'assistant', content: [] } } },
      {
        type: 'content-start',
        index: 0,
        delta: { message: { content: { type: 'text', text: '' } } },
      },
      { type: 'content-delta', index: 0, delta: { message: { content: { text: 'Hi' } } } },
      { type: 'content-end', index: 0 },
      { type: 'message-end', delta: { finish_reason: 'COMPLETE', usage } },
    ])
    assert.deepEqual(reading.tokens, figures(71, 418, { cache_read_tokens: 16 }))
    assert.deepEqual(reading.billed, usage.billed_units)
    assert.deepEqual([reading.provider, reading.text.join('')], ['cohere', 'Hi'])
  })

  it('reads embeddings and v1', () => {
    const embed = readJson({
      id: 'e1',
      embeddings: { float: [[0.1]] },
      meta: { api_version: { version: '2' }, billed_units: { input_tokens: 12 } },
    })
    assert.deepEqual([embed.provider, embed.tokens], ['cohere', figures(12, 0)])
    const stream = [
      { event_type: 'stream-start', generation_id: 'g' },
      { event_type: 'text-generation', text: 'Hi' },
      {
        event_type: 'stream-end',
        finish_reason: 'COMPLETE',
        response: { text: 'Hi', meta: usage },
      },
    ]
    const body = stream.map((event) => `${JSON.stringify(event)}\n`).join('')
    const v1 = readBody(body, 'application/stream+json')
    assert.deepEqual(v1.tokens, figures(71, 418, { cache_read_tokens: 16 }))
    assert.equal(v1.text.join(''), 'Hi')
  })
})

describe('Ollama', () => {
  it('does not take a missing prompt count for 0', () => {
    const chat = {
      model: 'llama3.2',
      created_at: '2026-02-04T08:52:19Z',
      done: true,
      eval_count: 18,
    }
    const message = { role: 'assistant', content: 'Hi', thinking: 'Hmm. ' }
    const reading = readJson({ ...chat, message })
    assert.equal(reading.tokens.input_tokens, undefined)
    assert.equal(reading.tokens.output_tokens, 18)
    assert.equal(reading.text.join(''), 'Hmm. Hi')
  })

  it('reads generate, and a cut stream as its text', () => {
    const part = {
      model: 'llama3.2',
      created_at: '2026-02-04T08:52:19Z',
      response: 'Hi',
      done: false,
    }
    const end = {
      ...part,
      response: '',
      done: true,
      prompt_eval_count: 26,
      eval_count: 18,
      context: [1],
    }
    const lines = [part, end].map((line) => `${JSON.stringify(line)}\n`)
    const whole = readBody(lines.join(''), 'application/x-ndjson')
    assert.deepEqual([whole.provider, whole.tokens], ['ollama', figures(26, 18)])
    const cut = readBody(lines[0] ?? '', 'application/x-ndjson')
    assert.deepEqual([cut.output_is_final, cut.text.join('')], [false, 'Hi'])
    assert.equal(
      readBody('{"error":"model not found"}\n', 'application/x-ndjson').error_type,
      'provider_error',
    )
  })
})
