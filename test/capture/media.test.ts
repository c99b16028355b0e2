import assert from 'node:assert/strict'
import { figures, readJson, readSse } from './reading.js'

const chat = (usage: object) => ({
  ...{ object: 'chat.completion', model: 'gpt-audio', choices: [] },
  usage: { prompt_tokens: 1000, completion_tokens: 1000, total_tokens: 2000, ...usage },
})

describe('tokens that are sound or images', () => {
  it('are read from the details of OpenAI’s chat, and absent where there are none', () => {
    const heard = chat({
      prompt_tokens_details: { audio_tokens: 700, image_tokens: 200, cached_tokens: 0 },
      completion_tokens_details: { audio_tokens: 900, reasoning_tokens: 0 },
    })
    const parts = { input_audio_tokens: 700, input_image_tokens: 200, output_audio_tokens: 900 }
    assert.deepEqual(readJson(heard).tokens, figures(1000, 1000, parts))
    const silent = chat({
      prompt_tokens_details: { audio_tokens: 0, cached_tokens: 0 },
      completion_tokens_details: { audio_tokens: 0 },
    })
    assert.deepEqual(readJson(silent).tokens, figures(1000, 1000))
  })

  it('are read from the details of OpenAI’s images and Responses', () => {
    const usage = {
      ...{ input_tokens: 250, output_tokens: 4200, total_tokens: 4450 },
      input_tokens_details: { image_tokens: 194, text_tokens: 56 },
      output_tokens_details: { image_tokens: 4160, text_tokens: 40 },
    }
    const want = figures(250, 4200, { input_image_tokens: 194, output_image_tokens: 4160 })
    assert.deepEqual(readJson({ created: 1, data: [{ b64_json: 'x' }], usage }).tokens, want)
    const response = { object: 'response', model: 'gpt-5', output: [], usage }
    assert.deepEqual(readJson(response).tokens, want)
    const completed = { type: 'image_generation.completed', b64_json: 'x', usage }
    assert.deepEqual(readSse([completed]).tokens, want)
  })

  it('are read from OpenAI’s transcriptions and Realtime, which tells which were cached', () => {
    const transcription = {
      text: 'Hi',
      usage: {
        ...{ type: 'tokens', input_tokens: 14, output_tokens: 45, total_tokens: 59 },
        input_token_details: { text_tokens: 10, audio_tokens: 4 },
      },
    }
    assert.deepEqual(readJson(transcription).tokens, figures(14, 45, { input_audio_tokens: 4 }))
    const usage = {
      ...{ input_tokens: 900, output_tokens: 100, total_tokens: 1000 },
      input_token_details: {
        ...{ text_tokens: 300, audio_tokens: 600, image_tokens: 0, cached_tokens: 500 },
        cached_tokens_details: { text_tokens: 100, audio_tokens: 400, image_tokens: 0 },
      },
      output_token_details: { text_tokens: 20, audio_tokens: 80 },
    }
    const want = figures(900, 100, {
      ...{ cache_read_tokens: 500, input_audio_tokens: 600, output_audio_tokens: 80 },
      cache_read_audio_tokens: 400,
    })
    const response = { object: 'realtime.response', usage }
    assert.deepEqual(readJson({ type: 'response.done', response }).tokens, want)
    assert.deepEqual(readJson({ reply: 'Hi', usage }).tokens, want)
  })

  it('are read from Gemini’s lists, also of a stream whose last event tells of an image', () => {
    const image = { inlineData: { mimeType: 'image/png', data: 'x' } }
    const event = (parts: object[], usage: object, finishReason?: string) => ({
      candidates: [{ content: { parts }, ...(finishReason && { finishReason }) }],
      ...{ modelVersion: 'gemini-2.5-flash-image', usageMetadata: usage },
    })
    const sent = {
      promptTokenCount: 300,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 12 },
        { modality: 'IMAGE', tokenCount: 258 },
        { modality: 'AUDIO', tokenCount: 30 },
      ],
      cachedContentTokenCount: 270,
      cacheTokensDetails: [
        { modality: 'IMAGE', tokenCount: 250 },
        { modality: 'AUDIO', tokenCount: 20 },
      ],
    }
    const produced = {
      candidatesTokenCount: 1300,
      candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1290 }],
      totalTokenCount: 1600,
    }
    const reading = readSse([
      event([{ text: 'Here:' }], { ...sent, candidatesTokenCount: 4, totalTokenCount: 304 }),
      event([image], { ...sent, ...produced }, 'STOP'),
    ])
    const parts = {
      ...{ cache_read_tokens: 270, input_image_tokens: 258, input_audio_tokens: 30 },
      ...{ output_image_tokens: 1290, cache_read_image_tokens: 250, cache_read_audio_tokens: 20 },
    }
    assert.deepEqual(reading.tokens, figures(300, 1300, parts))
    assert.deepEqual([reading.output_is_final, reading.usage_flags], [true, []])
  })

  it('are read from Gemini’s Interactions', () => {
    const usage = {
      ...{ total_input_tokens: 100, total_output_tokens: 50, total_tokens: 157 },
      input_tokens_by_modality: [
        { modality: 'text', tokens: 20 },
        { modality: 'audio', tokens: 80 },
      ],
      ...{ total_tool_use_tokens: 7 },
      tool_use_tokens_by_modality: [{ modality: 'image', tokens: 7 }],
      output_tokens_by_modality: [{ modality: 'audio', tokens: 50 }],
    }
    const { tokens } = readJson({ object: 'interaction', model: 'gemini-3-flash', usage })
    const parts = { input_audio_tokens: 80, input_image_tokens: 7, output_audio_tokens: 50 }
    assert.deepEqual(tokens, figures(107, 50, parts))
  })

  it('are read from LangChain, where messages add up', () => {
    const message = (id: string, input: object) => ({
      ...{ type: 'ai', id, content: 'Hi' },
      usage_metadata: {
        ...{ input_tokens: 100, output_tokens: 20, total_tokens: 120 },
        ...{ input_token_details: input, output_token_details: { audio: 15 } },
      },
    })
    const messages = [message('1', { audio: 60 }), message('2', { image: 40 })]
    const parts = { input_audio_tokens: 60, input_image_tokens: 40, output_audio_tokens: 30 }
    assert.deepEqual(readJson({ messages }).tokens, figures(200, 40, parts))
  })
})

describe('cached tokens of which the provider does not tell the kind', () => {
  const cachedOf = (details: object) => {
    const { tokens } = readJson(chat({ prompt_tokens_details: details }))
    return [tokens.cache_read_image_tokens, tokens.cache_read_audio_tokens]
  }

  it('are text as far as there is text, then images, then sound', () => {
    const media = { audio_tokens: 500, image_tokens: 300 }
    assert.deepEqual(cachedOf({ ...media, cached_tokens: 200 }), [undefined, undefined])
    assert.deepEqual(cachedOf({ ...media, cached_tokens: 450 }), [250, undefined])
    assert.deepEqual(cachedOf({ ...media, cached_tokens: 600 }), [300, 100])
    assert.deepEqual(cachedOf({ audio_tokens: 1000, cached_tokens: 600 }), [undefined, 600])
  })
})

describe('impossible figures of sound and images', () => {
  const read = (sent: object, produced: object = {}) =>
    readJson(chat({ prompt_tokens_details: sent, completion_tokens_details: produced }))

  it('that are larger than what they are part of are dropped and flagged', () => {
    const one = read({ audio_tokens: 1001 }, { image_tokens: 1001, audio_tokens: 1000 })
    const flags = ['input_audio_tokens_invalid', 'output_image_tokens_invalid']
    assert.deepEqual(one.usage_flags, flags)
    assert.deepEqual(one.tokens, figures(1000, 1000, { output_audio_tokens: 1000 }))
    const both = read({ audio_tokens: 600, image_tokens: 500 })
    assert.deepEqual(both.usage_flags, ['input_image_tokens_invalid'])
    assert.deepEqual(both.tokens, figures(1000, 1000, { input_audio_tokens: 600 }))
  })

  it('that are negative or broken are dropped and flagged', () => {
    const { tokens, usage_flags } = read({ audio_tokens: -1 }, { audio_tokens: '9' })
    assert.deepEqual(tokens, figures(1000, 1000))
    assert.deepEqual(usage_flags, ['input_audio_tokens_invalid', 'output_audio_tokens_invalid'])
  })

  it('that are cached, but were not sent or not read from the cache, are dropped and flagged', () => {
    const flags = ['cache_read_audio_tokens_invalid']
    const parts = { cache_read_tokens: 50, input_audio_tokens: 20 }
    for (const [cached, heard, of] of [
      [30, 20, 50],
      [30, 0, 50],
      [20, 20, 10],
      [20, 20, 0],
    ] as const) {
      const { tokens, usage_flags } = read({
        ...{ audio_tokens: heard, cached_tokens: of },
        cached_tokens_details: { audio_tokens: cached },
      })
      assert.deepEqual(usage_flags, flags, `${cached} of ${heard} and ${of}`)
      const { input_audio_tokens, ...rest } = {
        ...parts,
        input_audio_tokens: heard,
        cache_read_tokens: of,
      }
      const kept = heard === 0 ? rest : { ...rest, input_audio_tokens }
      assert.deepEqual(tokens, figures(1000, 1000, kept))
    }
  })
})
