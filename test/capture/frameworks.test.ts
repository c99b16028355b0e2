import assert from 'node:assert/strict'
import { AIMessage, AIMessageChunk, HumanMessage, SystemMessage } from '@langchain/core/messages'
import { generateText, simulateReadableStream, stepCountIs, streamText, tool } from 'ai'
import { MockLanguageModelV3 } from 'ai/test'
import * as z from 'zod'
import { figures, readBody, readJson, readSse } from './reading.js'

const usage = {
  inputTokens: { total: 100, noCache: 70, cacheRead: 25, cacheWrite: 5 },
  outputTokens: { total: 50, text: 20, reasoning: 30 },
}
const want = figures(100, 50, {
  cache_read_tokens: 25,
  cache_write_tokens: 5,
  reasoning_tokens: 30,
})
const stop = { unified: 'stop', raw: 'stop' } as const

/** A model of the SDK that calls a tool once and then answers: two steps. */
function agentModel(): MockLanguageModelV3 {
  let step = 0
  return new MockLanguageModelV3({
    provider: 'openai.responses',
    modelId: 'gpt-5',
    doGenerate: () => {
      step += 1
      const call = { type: 'tool-call', toolCallId: 'c', toolName: 'now', input: '{}' } as const
      const finishReason = { unified: 'tool-calls', raw: 'tool_calls' } as const
      return Promise.resolve(
        step === 1
          ? { content: [call], finishReason, usage, warnings: [] }
          : { content: [{ type: 'text', text: 'Noon.' }], finishReason: stop, usage, warnings: [] },
      )
    },
  })
}

function streamingModel(): MockLanguageModelV3 {
  return new MockLanguageModelV3({
    modelId: 'gpt-5',
    doStream: () =>
      Promise.resolve({
        stream: simulateReadableStream({
          chunks: [
            { type: 'stream-start', warnings: [] },
            { type: 'text-start', id: '1' },
            { type: 'text-delta', id: '1', delta: 'Noon.' },
            { type: 'text-end', id: '1' },
            { type: 'finish', finishReason: stop, usage },
          ],
        }),
      }),
  })
}

describe('the Vercel AI SDK', () => {
  it('answers generateText with the sum of all steps, which is what is read', async () => {
    const now = tool({ inputSchema: z.object({}), execute: () => 'noon' })
    const result = await generateText({
      model: agentModel(),
      prompt: 'When?',
      tools: { now },
      stopWhen: stepCountIs(3),
    })
    const reading = readJson(result)
    assert.equal(result.steps.length, 2)
    const both = { cache_read_tokens: 50, cache_write_tokens: 10, reasoning_tokens: 60 }
    assert.deepEqual(reading.tokens, figures(200, 100, both))
    assert.deepEqual([reading.provider, reading.output_is_final], ['openai', true])
    const { text, totalUsage } = result
    assert.deepEqual(readJson({ text, usage: result.usage, totalUsage }).tokens, reading.tokens)
    assert.deepEqual(readJson({ reply: text, usage: totalUsage }).tokens, reading.tokens)
  })

  it('streams UI messages with usage where the app attaches it', async () => {
    const result = streamText({ model: streamingModel(), prompt: 'When?' })
    const response = result.toUIMessageStreamResponse({
      messageMetadata: ({ part }) => {
        if (part.type === 'start') return { model: 'gpt-5' }
        return part.type === 'finish' ? { usage: part.totalUsage } : undefined
      },
    })
    const reading = readBody(await response.text(), response.headers.get('content-type') ?? '')
    assert.deepEqual([reading.tokens, reading.model], [want, 'gpt-5'])
    assert.equal(reading.provider, undefined)
  })

  it('streams its full parts, step by step and as a total', async () => {
    const parts: unknown[] = []
    for await (const part of streamText({ model: streamingModel(), prompt: 'x' }).fullStream) {
      parts.push(part)
    }
    assert.deepEqual(readSse(parts).tokens, want)
    const cut = readSse(parts.slice(0, -1))
    assert.deepEqual([cut.tokens, cut.output_is_final], [want, false])
  })

  it('adds the steps of a v4 data stream until the total comes, and takes null for unknown', () => {
    const step =
      'e:{"finishReason":"tool-calls","usage":{"promptTokens":9,"completionTokens":4},"isContinued":false}\n'
    const body = `f:{"messageId":"m"}\n9:{"toolCallId":"c","toolName":"now","args":{}}\n${step}0:"Noon."\n${step}`
    const cut = readBody(body, 'text/plain; charset=utf-8')
    assert.deepEqual([cut.tokens, cut.output_is_final], [figures(18, 8), false])
    const end = 'd:{"finishReason":"stop","usage":{"promptTokens":18,"completionTokens":8}}\n'
    const whole = readBody(body + end, 'text/plain')
    assert.deepEqual([whole.tokens, whole.output_is_final], [figures(18, 8), true])
    const none =
      'f:{"messageId":"m"}\n0:"Noon."\nd:{"usage":{"promptTokens":null,"completionTokens":null}}\n'
    const unknown = readBody(none, 'text/plain')
    assert.deepEqual([unknown.tokens, unknown.text.join('')], [{}, 'Noon.'])
    assert.equal(readBody('3:"overloaded"\n', 'text/plain').error_type, 'provider_error')
  })

  it('takes text that only looks like a data stream at first for text', () => {
    for (const text of [
      '0',
      '0:',
      '0:"',
      '0:"5 o’clock" it says\nand more',
      'f:{ never closed',
      '',
    ]) {
      const reading = readBody(text, 'text/plain')
      assert.equal(reading.text.join(''), text.replace('\n', ''), text)
    }
  })
})

/** What the constructors take, whose types leave usage out. */
const fields = (facts: object) => facts as { content: string }

describe('LangChain', () => {
  const message = (id: string, input: number, output: number) =>
    new AIMessage(
      fields({
        id,
        content: 'Hi',
        usage_metadata: {
          input_tokens: input,
          output_tokens: output,
          total_tokens: input + output,
        },
        response_metadata: { model_name: 'gpt-4o', model_provider: 'openai' },
      }),
    )

  it('reads a message as JSON in all its forms', () => {
    const { kwargs } = message('r', 9, 4).toJSON() as unknown as { kwargs: object }
    for (const form of [
      message('r', 9, 4),
      { type: 'ai', data: kwargs },
      { reply: 'Hi', ...kwargs },
    ]) {
      const reading = readJson(form)
      assert.deepEqual([reading.tokens, reading.output_is_final], [figures(9, 4), true])
    }
    const reading = readJson(message('r', 9, 4))
    assert.deepEqual([reading.provider, reading.model], ['openai', 'gpt-4o'])
  })

  it('adds up the messages of an agent’s turn, not those before it', () => {
    const messages = [
      new SystemMessage('Be brief.'),
      new HumanMessage('When?'),
      message('old', 500, 500),
      new HumanMessage('And now?'),
      message('a', 9, 4),
      message('b', 20, 6),
    ]
    assert.deepEqual(readJson({ messages }).tokens, figures(29, 10))
    assert.deepEqual(readJson(messages).tokens, figures(29, 10))
  })

  it('counts a message that a stream repeats once', () => {
    const chunk = (input: number, output: number) =>
      new AIMessageChunk(
        fields({
          id: 'run-1',
          content: 'Hi',
          usage_metadata: {
            input_tokens: input,
            output_tokens: output,
            total_tokens: input + output,
          },
        }),
      )
    const reading = readSse([
      {
        event: 'on_chat_model_stream',
        data: { chunk: chunk(25, 1) },
        metadata: { ls_provider: 'anthropic' },
      },
      { event: 'on_chat_model_stream', data: { chunk: chunk(0, 22) } },
      { event: 'on_chat_model_end', data: { output: chunk(25, 22) } },
      { event: 'on_chain_end', data: { output: chunk(25, 22) } },
    ])
    assert.deepEqual([reading.tokens, reading.provider], [figures(25, 22), 'anthropic'])
  })
})
