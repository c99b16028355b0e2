import assert from 'node:assert/strict'
import { ResponseReader } from '../../src/capture/response-reader.js'
import { figures, readJson, readSse } from './reading.js'

describe('Bedrock', () => {
  const host = 'bedrock-runtime.us-east-1.amazonaws.com'
  const invoke = (id: string) => ({ host, path: `/model/${encodeURIComponent(id)}/invoke` })

  it('takes the model from the URL, the tier and one-hour writes from Converse', () => {
    const model = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
    const usage = {
      inputTokens: 10,
      outputTokens: 20,
      totalTokens: 230,
      cacheReadInputTokens: 50,
      cacheWriteInputTokens: 150,
      cacheDetails: [
        { ttl: '1h', inputTokens: 100 },
        { ttl: '5m', inputTokens: 50 },
      ],
    }
    const output = { message: { role: 'assistant', content: [{ text: 'Hi' }] } }
    const body = { output, stopReason: 'end_turn', usage, serviceTier: { type: 'flex' } }
    const path = `/model/${encodeURIComponent(model)}/converse`
    const reading = readJson(body, { host, path })
    const parts = { cache_read_tokens: 50, cache_write_tokens: 150, cache_write_1h_tokens: 100 }
    assert.deepEqual(reading.tokens, figures(210, 20, parts))
    assert.deepEqual([reading.model, reading.service_tier], [model, 'flex'])
    assert.deepEqual(reading.usage_flags, [])
  })

  it('reads what each maker’s models answer to InvokeModel', () => {
    const claude = {
      type: 'message',
      model: 'claude-sonnet-4-5',
      content: [],
      usage: { input_tokens: 9, output_tokens: 4 },
    }
    const id = 'anthropic.claude-sonnet-4-5-20250929-v1:0'
    const reading = readJson(claude, invoke(id))
    assert.deepEqual([reading.provider, reading.model], ['bedrock', id])
    const bodies: Record<string, object> = {
      'meta.llama3-1-70b-instruct-v1:0': {
        generation: 'Hi',
        prompt_token_count: 9,
        generation_token_count: 4,
        stop_reason: 'stop',
      },
      'amazon.titan-text-express-v1': {
        inputTextTokenCount: 9,
        results: [{ tokenCount: 4, outputText: 'Hi', completionReason: 'FINISH' }],
      },
      'amazon.nova-pro-v1:0': {
        output: { message: { role: 'assistant', content: [{ text: 'Hi' }] } },
        stopReason: 'end_turn',
        usage: { inputTokens: 9, outputTokens: 4, totalTokens: 13, cacheReadInputTokenCount: 0 },
      },
      'ai21.jamba-1-5-large-v1:0': {
        id: 'x',
        choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' } }],
        usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 },
      },
    }
    for (const [model, body] of Object.entries(bodies)) {
      const read = readJson(body, invoke(model))
      assert.deepEqual(read.tokens, figures(9, 4), model)
      assert.deepEqual([read.provider, read.model], ['bedrock', model])
      assert.deepEqual([read.text.join(''), read.output_is_final], ['Hi', true], model)
    }
    const embedding = readJson({ embedding: [0.1], inputTextTokenCount: 9 })
    assert.deepEqual([embedding.provider, embedding.tokens], ['bedrock', figures(9, 0)])
  })

  it('counts Llama’s and Titan’s chunks once, by Bedrock’s own figures at the end', () => {
    const metrics = { inputTokenCount: 9, outputTokenCount: 4 }
    const end = { 'amazon-bedrock-invocationMetrics': metrics }
    const llama = readSse([
      { generation: 'H', prompt_token_count: 9, generation_token_count: 1, stop_reason: null },
      {
        generation: 'i',
        prompt_token_count: null,
        generation_token_count: 4,
        stop_reason: 'stop',
        ...end,
      },
    ])
    assert.deepEqual([llama.tokens, llama.text.join('')], [figures(9, 4), 'Hi'])
    const mistral = readSse([
      { outputs: [{ text: 'Hi', stop_reason: null }] },
      { outputs: [{ text: '', stop_reason: 'stop' }], ...end },
    ])
    assert.deepEqual([mistral.provider, mistral.tokens], ['bedrock', figures(9, 4)])
  })

  it('reads the counts in the headers where the body has none', () => {
    const headers: Record<string, string> = {
      'x-amzn-bedrock-input-token-count': '9',
      'x-amzn-bedrock-output-token-count': '4',
      'x-amzn-bedrock-cache-read-input-token-count': '2',
    }
    const read = (body: object) =>
      new ResponseReader('json', { header: (name) => headers[name] }).finish(JSON.stringify(body))
    const reading = read({ outputs: [{ text: 'Hi' }] })
    assert.deepEqual(reading.tokens, figures(11, 4, { cache_read_tokens: 2 }))
    assert.deepEqual([reading.provider, reading.output_is_final], ['bedrock', true])
    const own = read({
      generation: 'Hi',
      prompt_token_count: 7,
      generation_token_count: 3,
      stop_reason: 'stop',
    })
    assert.deepEqual(own.tokens, figures(7, 3))
  })
})
