import * as z from 'zod'
import type { BilledPlan, Format, Frame, ShapeOptions } from '../format.js'
import { stepsOf, type Completion, type Message } from '../inference.js'
import { randomId } from '../random.js'
import { bedrockDialect, eventOf, exceptionMessage } from './bedrock-dialect.js'
import { parseBody, tokenLimit } from './content.js'
import { EVENT_STREAM_TYPE } from './event-stream.js'

const blocks = z.array(
  z.looseObject({
    text: z.string().optional(),
    cachePoint: z.looseObject({ type: z.literal('default') }).optional(),
  }),
)

const converseBody = z.looseObject({
  messages: z.array(z.looseObject({ role: z.enum(['user', 'assistant']), content: blocks })).min(1),
  system: blocks.nullish(),
  inferenceConfig: z.looseObject({ maxTokens: tokenLimit }).nullish(),
  toolConfig: z.unknown().optional(),
})

type ConverseBody = z.infer<typeof converseBody>

export const bedrockConverse: Format = converseFormat('converse')
export const bedrockConverseStream: Format = converseFormat('converse-stream')

/** The model stands in the path alone; no answer names it. */
function converseFormat(operation: 'converse' | 'converse-stream'): Format {
  return {
    method: 'POST',
    path: `/model/{model}/${operation}`,
    dialect: bedrockDialect,
    plan: ({ body, params }, inference) => {
      const asked = parseBody(converseBody, body)
      const completion = inference.complete({
        provider: 'bedrock',
        model: params['model'] ?? '',
        messages: messagesOf(asked),
        appendix: asked.toolConfig ? JSON.stringify(asked.toolConfig) : '',
        maxTokens: asked.inferenceConfig?.maxTokens ?? undefined,
        cacheBreakpoints: cacheBreakpoints(asked),
      })
      return conversePlan(operation === 'converse-stream', completion)
    },
  }
}

function messagesOf({ messages, system }: ConverseBody): Message[] {
  const textOf = (all: z.infer<typeof blocks>) => all.map(({ text }) => text ?? '').join('\n')
  const turns = messages.map(({ role, content }) => ({ role, text: textOf(content) }))
  return system ? [{ role: 'system', text: textOf(system) }, ...turns] : turns
}

/** All text up to each cache point. */
function cacheBreakpoints({ messages, system }: ConverseBody): string[] {
  const breakpoints: string[] = []
  let text = ''
  for (const block of [system ?? [], ...messages.map(({ content }) => content)].flat()) {
    if (block.cachePoint) breakpoints.push(text)
    else text += `\n${block.text ?? ''}`
  }
  return breakpoints
}

function conversePlan(stream: boolean, completion: Completion): BilledPlan {
  const id = randomId('')
  const { model, text, usage } = completion
  const message = { role: 'assistant', content: [{ text }] }
  return {
    kind: 'billed',
    id,
    model: model.snapshot,
    stream,
    usage,
    steps: stepsOf(completion),
    headers: { 'x-amzn-requestid': id },
    json: (options) => ({
      metrics: { latencyMs: 1275 },
      output: { message },
      stopReason: stopOf(completion),
      ...(options.usage && { usage: converseUsage(completion) }),
    }),
    streamType: EVENT_STREAM_TYPE,
    frames: (options) => converseFrames(completion, options),
    failureFrame: exceptionMessage,
  }
}

function stopOf({ truncated }: Completion): string {
  return truncated ? 'max_tokens' : 'end_turn'
}

/** Cached tokens stand beside `inputTokens`, not inside. */
function converseUsage({ usage }: Completion) {
  const { cache_read_tokens: read, cache_write_tokens: written } = usage
  return {
    inputTokens: usage.input_tokens - read - written,
    outputTokens: usage.output_tokens,
    totalTokens: usage.input_tokens + usage.output_tokens,
    cacheReadInputTokens: read,
    cacheWriteInputTokens: written,
  }
}

function* converseFrames(completion: Completion, options: ShapeOptions): Generator<Frame> {
  const frame = (type: string, payload: object, tokens = 0): Frame => ({
    wire: eventOf(type, payload),
    tokens,
  })
  yield frame('messageStart', { role: 'assistant' })
  for (const { text, tokens } of completion.pieces) {
    yield frame('contentBlockDelta', { contentBlockIndex: 0, delta: { text } }, tokens)
  }
  yield frame('contentBlockStop', { contentBlockIndex: 0 })
  yield frame('messageStop', { stopReason: stopOf(completion) })
  const usage = options.usage && { usage: converseUsage(completion) }
  yield frame('metadata', { metrics: { latencyMs: 980 }, ...usage })
}
