import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isTokenCount, nanoUsd } from '../../src/event.js'
import type { BodyKind } from '../../src/capture/content.js'
import type { Reading } from '../../src/capture/reading.js'
import { ResponseReader } from '../../src/capture/response-reader.js'
import { anyCharacter } from '../helpers/characters.js'
import { framed } from './frames.js'
import { figures, readJson } from './reading.js'

/** What every reading must hold, whatever was read. */
function assertSound({ tokens, cost_usd, usage_flags, output_is_final }: Reading): void {
  for (const [name, value] of Object.entries(tokens)) {
    assert.ok(isTokenCount(value), `${name} is ${String(value)}`)
  }
  const { input_tokens, output_tokens } = tokens
  const { cache_read_tokens = 0, cache_write_tokens = 0, cache_write_1h_tokens = 0 } = tokens
  if (input_tokens !== undefined) assert.ok(cache_read_tokens + cache_write_tokens <= input_tokens)
  if (output_tokens !== undefined) assert.ok((tokens.reasoning_tokens ?? 0) <= output_tokens)
  assert.ok(cache_write_1h_tokens <= cache_write_tokens)
  assertSoundMedia(tokens)
  if (cost_usd !== undefined) assert.notEqual(nanoUsd(cost_usd), undefined)
  if (output_is_final) assert.notEqual(output_tokens, undefined)
  for (const flag of usage_flags) assert.match(flag, /^[a-z0-9_]+_invalid$/)
  assert.equal(new Set(usage_flags).size, usage_flags.length)
}

function assertSoundMedia(tokens: Reading['tokens']): void {
  const { input_audio_tokens: heard = 0, input_image_tokens: seen = 0 } = tokens
  const { cache_read_audio_tokens = 0, cache_read_image_tokens = 0, cache_read_tokens = 0 } = tokens
  const { output_audio_tokens = 0, output_image_tokens = 0 } = tokens
  assert.ok(heard + seen <= (tokens.input_tokens ?? Infinity))
  assert.ok(output_audio_tokens + output_image_tokens <= (tokens.output_tokens ?? Infinity))
  assert.ok(cache_read_audio_tokens <= heard && cache_read_image_tokens <= seen)
  assert.ok(cache_read_audio_tokens + cache_read_image_tokens <= cache_read_tokens)
}

/** The words that readers look for, so that garbage gets past the first look. */
const words = [
  ...['object', 'type', 'event_type', 'choices', 'delta', 'message', 'content', 'usage', 'model'],
  ...['chat.completion', 'response', 'message_start', 'message_delta', 'finish', 'list', 'ai'],
  ...[
    'prompt_tokens',
    'completion_tokens',
    'total_tokens',
    'prompt_tokens_details',
    'cached_tokens',
  ],
  ...['completion_tokens_details', 'reasoning_tokens', 'input_tokens', 'output_tokens', 'cost'],
  ...['cache_read_input_tokens', 'cache_creation_input_tokens', 'cache_creation', 'steps', 'data'],
  ...['ephemeral_1h_input_tokens', 'candidates', 'usageMetadata', 'promptTokenCount', 'kwargs'],
  ...['candidatesTokenCount', 'thoughtsTokenCount', 'cachedContentTokenCount', 'totalTokenCount'],
  ...['interaction', 'total_input_tokens', 'total_output_tokens', 'total_thought_tokens', 'output'],
  ...['billed_units', 'tokens', 'meta', 'done', 'created_at', 'prompt_eval_count', 'eval_count'],
  ...['audio_tokens', 'image_tokens', 'cached_tokens_details', 'input_tokens_details'],
  ...['metadata', 'inputTokens', 'outputTokens', 'totalTokens', 'cacheReadInputTokens', 'x_groq'],
  ...['totalUsage', 'messageMetadata', 'promptTokens', 'usage_metadata', 'messages', 'lc', 'id'],
  ...['generation_token_count', 'inputTextTokenCount', 'amazon-bedrock-invocationMetrics'],
  ...['inputTokenCount', 'outputTokenCount', 'contentBlockDelta', 'stopReason', 'reply', 'error'],
]
const word = fc.constantFrom(...words)
const number = fc.oneof(
  fc.integer({ min: 0, max: 1000 }),
  fc.constantFrom(-1, 0.5, 1e9, 1e9 + 1, 1e300, Number.MAX_SAFE_INTEGER, -0),
)
const { value: garbage } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    number,
    fc.oneof(word, fc.string(), fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(word, tie('value'), { maxKeys: 8 }),
  ),
}))
const texts: readonly BodyKind[] = ['json', 'sse', 'ndjson', 'text']

describe('impossible input', () => {
  it('of JSON values in any place never makes a reader throw or tell what cannot be', () => {
    fc.assert(
      fc.property(fc.array(garbage, { maxLength: 6 }), fc.boolean(), (payloads, isWhole) => {
        const kind = isWhole ? 'ndjson' : 'sse'
        const reader = new ResponseReader(kind)
        const lines = payloads.map((payload) => JSON.stringify(payload))
        assertSound(
          reader.finish(
            lines.map((line) => (isWhole ? `${line}\n` : `data: ${line}\n\n`)).join(''),
          ),
        )
        assertSound(readJson(payloads[0] ?? null))
        assertSound(readJson(payloads))
      }),
      { numRuns: 3000 },
    )
  })

  it('of text and bytes never makes a reader throw', () => {
    const line = fc.oneof(
      fc.string({ unit: anyCharacter }),
      fc.json(),
      word,
      fc.constant('data: {"usage":{'),
    )
    fc.assert(
      fc.property(fc.array(line), fc.uint8Array({ maxLength: 300 }), (lines, bytes) => {
        for (const kind of texts) {
          assertSound(new ResponseReader(kind).finish(lines.join('\n')))
          assertSound(new ResponseReader(kind).finishBytes(Buffer.from(bytes)))
        }
        assertSound(new ResponseReader('eventstream').finishBytes(Buffer.from(bytes)))
      }),
      { numRuns: 500 },
    )
  })

  it('nested as deep as a body allows never makes a reader throw', () => {
    const deep = '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)
    const list = '['.repeat(100_000) + ']'.repeat(100_000)
    const bodies = [
      deep,
      list,
      `{"type":"message","content":[{"type":"tool_use","name":"x","input":${deep}}],"usage":{"output_tokens":1}}`,
      `{"object":"chat.completion","choices":[{"message":{"content":[{"type":"thinking","thinking":${list}}]}}]}`,
      `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"x","args":${deep}}}]}}]}`,
    ]
    for (const body of bodies) assertSound(new ResponseReader('json').finish(body))
  })

  it('in sound frames never makes a reader throw', () => {
    const header = fc.constantFrom('chunk', 'metadata', 'contentBlockDelta', 'x')
    fc.assert(
      fc.property(header, garbage, fc.string(), (type, payload, more) => {
        const inner = Buffer.from(JSON.stringify(payload)).toString('base64')
        const headers = { ':event-type': type, ':content-type': more }
        const frames = [JSON.stringify(payload), JSON.stringify({ bytes: inner }), more]
        const bytes = Buffer.concat(frames.map((text) => framed(headers, text)))
        assertSound(new ResponseReader('eventstream').finishBytes(bytes))
      }),
      { numRuns: 500 },
    )
  })
})

describe('impossible figures', () => {
  const chat = (usage: object) => readJson({ object: 'chat.completion', model: 'gpt-4o', usage })

  it('that are negative, broken or absurd are dropped and flagged', () => {
    for (const bad of [-1, 0.5, 1e9 + 1, '12', [], {}, true]) {
      const input = chat({ prompt_tokens: bad, completion_tokens: 5 })
      assert.deepEqual(input.usage_flags, ['input_tokens_invalid'])
      assert.equal(input.tokens.input_tokens, undefined)
      assert.equal(input.tokens.output_tokens, 5)
      const output = chat({ prompt_tokens: 5, completion_tokens: bad })
      assert.deepEqual(output.usage_flags, ['output_tokens_invalid'])
      assert.deepEqual([output.tokens.output_tokens, output.output_is_final], [undefined, false])
    }
  })

  it('that are larger than what they are part of are dropped and flagged', () => {
    const cached = chat({
      prompt_tokens: 10,
      completion_tokens: 5,
      prompt_tokens_details: { cached_tokens: 11 },
    })
    assert.deepEqual(cached.usage_flags, ['cache_read_tokens_invalid'])
    const { cache_read_tokens: _, ...rest } = figures(10, 5)
    assert.deepEqual(cached.tokens, rest)
    const reasoning = chat({
      prompt_tokens: 10,
      completion_tokens: 5,
      completion_tokens_details: { reasoning_tokens: 6 },
    })
    assert.deepEqual(reasoning.usage_flags, ['reasoning_tokens_invalid'])
    const details = { cached_tokens: 6, cache_write_tokens: 6 }
    const both = chat({ prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: details })
    assert.deepEqual(both.usage_flags, ['cache_write_tokens_invalid'])
    assert.equal(both.tokens.cache_read_tokens, 6)
  })

  it('whose total is not their sum are flagged, the total is dropped', () => {
    const reading = chat({ prompt_tokens: 10, completion_tokens: 5, total_tokens: 99 })
    assert.deepEqual(
      [reading.usage_flags, reading.tokens],
      [['total_tokens_invalid'], figures(10, 5)],
    )
    assert.deepEqual(
      chat({ prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }).usage_flags,
      [],
    )
  })
})
