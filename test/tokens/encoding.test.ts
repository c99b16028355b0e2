import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import fc from 'fast-check'
import { encodingOf, type ModelEncoding } from '../../src/tokens/encoding.js'
import { bestTime } from './support.js'

const o200k: ModelEncoding = { encoding: 'o200k_base', factor: 1, token_source: 'tokenizer' }
const cl100k: ModelEncoding = { encoding: 'cl100k_base', factor: 1, token_source: 'tokenizer' }
const unknown: ModelEncoding = { encoding: 'o200k_base', factor: 1, token_source: 'estimate' }
const claude: ModelEncoding = { ...unknown, factor: 1.18 }
const newClaude: ModelEncoding = { ...unknown, factor: 1.53 }

const cases: readonly (readonly [ModelEncoding, readonly string[]])[] = [
  [
    o200k,
    [
      'gpt-4o',
      'GPT-4o-mini-2024-07-18',
      'openai/gpt-4o-mini',
      'openai/gpt-4o:free',
      'openai:gpt-5.2',
      'ft:gpt-4o-mini-2024-07-18:acme::abc123',
      'prod-gpt-4o-eu',
      'gpt4o',
      'gpt-41',
      'gpt-4.1-nano',
      'gpt-4.5-preview',
      'gpt-5',
      'gpt-5-codex',
      'gpt-5.1-mini',
      'chatgpt-4o-latest',
      'o1',
      'o3-mini-2025-01-31',
      'openai/o4-mini',
      'openai/gpt-oss-120b',
    ],
  ],
  [
    cl100k,
    [
      'gpt-4',
      'gpt-4-0613',
      'gpt-4-1106-preview',
      'azure/my-gpt-4-deployment',
      'gpt4',
      'gpt-35-turbo',
      'azure/gpt-35-turbo-16k',
      'gpt-3.5-turbo',
      'ft:gpt-3.5-turbo-0125:acme::x',
      'text-embedding-3-small',
      'text-embedding-ada-002',
    ],
  ],
  [
    claude,
    [
      'claude-2.1',
      'anthropic.claude-v2:1',
      'claude-instant-1.2',
      'claude-3-opus-20240229',
      'claude-3-5-sonnet-20241022',
      'us.anthropic.claude-3-5-sonnet-20241022-v2:0',
      'claude-3-7-sonnet-latest',
      'claude-sonnet-4-20250514',
      'claude-sonnet-4@20250514',
      'claude-opus-4-1-20250805',
      'anthropic/claude-haiku-4.5',
      'claude-opus-4-6',
      'eu.anthropic.claude-opus-4-6-v1:0',
      'arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0',
    ],
  ],
  [
    newClaude,
    [
      'claude-opus-4-7',
      'anthropic/claude-opus-4.8',
      'claude-opus-4-10',
      'claude-sonnet-5',
      'claude-haiku-5.5-20270101',
      'claude-fable-5.1',
      'claude-sonnet-latest',
    ],
  ],
  [
    { ...unknown, factor: 1.1 },
    ['models/gemini-2.5-pro', 'google/gemini-3-flash-preview', 'gemma3:12b'],
  ],
  [
    { ...unknown, factor: 1.23 },
    [
      'llama2:7b',
      'open-mistral-7b',
      'mistralai/mixtral-8x7b-instruct',
      'meta-llama/llama-2-70b-chat',
    ],
  ],
  [{ ...unknown, factor: 1.03 }, ['deepseek-chat', 'deepseek/deepseek-r1']],
  [{ ...unknown, factor: 1.01 }, ['qwen/qwen3-max', 'qwq-32b']],
  [
    unknown,
    [
      '',
      '/',
      'mistral-large-latest',
      'us.meta.llama3-1-70b-instruct-v1:0',
      'accounts/fireworks/models/llama-v3p1-405b-instruct',
      'grok-4',
      'gpt4all-j',
      'gpt-j-6b',
      'google/text-embedding-004',
      'text-davinci-003',
      'marco-o1',
      'my-deployment',
    ],
  ],
]

describe('the encoding of a model', () => {
  for (const [expected, models] of cases) {
    for (const model of models) {
      it(`is ${expected.encoding} × ${expected.factor} (${expected.token_source}) for "${model}"`, () => {
        assert.deepEqual(encodingOf(model), expected)
      })
    }
  }

  it('is an estimate with o200k_base when no model is named', () => {
    assert.deepEqual(encodingOf(undefined), unknown)
  })

  it("agrees with tiktoken's own list wherever we have the encoding", () => {
    const require = createRequire(import.meta.url)
    const list: unknown = require('tiktoken/model_to_encoding.json')
    assert.ok(typeof list === 'object' && list !== null)
    for (const [model, encoding] of Object.entries(list)) {
      const found = encodingOf(model)
      const isOurs = encoding === 'o200k_base' || encoding === 'cl100k_base'
      assert.equal(found.token_source, isOurs ? 'tokenizer' : 'estimate', model)
      if (isOurs) assert.equal(found.encoding, encoding, model)
    }
  })

  it('takes any string, quickly', () => {
    fc.assert(
      fc.property(fc.string(), (model) => {
        assert.ok(encodingOf(model).factor >= 1)
      }),
    )
    assert.ok(bestTime(() => encodingOf('claude-'.repeat(200_000))) < 20)
  })
})
