import * as z from 'zod'
import type { BilledPlan, Format, Frame, ShapeOptions } from '../format.js'
import { stepsOf, type Completion } from '../inference.js'
import { randomId } from '../random.js'
import { anthropicMessage, messageEvents, type AnthropicMessage } from './anthropic-messages.js'
import { cacheBreakpoints, cachesForAnHour, messagesBody, messagesOf } from './anthropic-prompt.js'
import { bedrockDialect, eventOf, exceptionMessage } from './bedrock-dialect.js'
import { parseBody } from './content.js'
import { EVENT_STREAM_TYPE } from './event-stream.js'

/** Anthropic's body without model and stream: both stand in the path. */
const invokeBody = messagesBody
  .omit({ model: true, stream: true })
  .extend({ anthropic_version: z.literal('bedrock-2023-05-31') })

export const bedrockInvoke: Format = invokeFormat('invoke')
export const bedrockInvokeStream: Format = invokeFormat('invoke-with-response-stream')

function invokeFormat(operation: 'invoke' | 'invoke-with-response-stream'): Format {
  return {
    method: 'POST',
    path: `/model/{model}/${operation}`,
    dialect: bedrockDialect,
    plan: ({ body, params }, inference) => {
      const asked = { ...parseBody(invokeBody, body), model: params['model'] ?? '' }
      const completion = inference.complete({
        provider: 'bedrock',
        model: asked.model,
        messages: messagesOf(asked),
        appendix: asked.tools ? JSON.stringify(asked.tools) : '',
        maxTokens: asked.max_tokens,
        cacheBreakpoints: cacheBreakpoints(asked),
      })
      const message = anthropicMessage(completion, cachesForAnHour(asked))
      return invokePlan(operation === 'invoke-with-response-stream', completion, message)
    },
  }
}

function invokePlan(
  stream: boolean,
  completion: Completion,
  message: AnthropicMessage,
): BilledPlan {
  const id = randomId('')
  const { model, usage } = completion
  const { usage: told, ...rest } = message.whole
  return {
    kind: 'billed',
    id,
    model: model.snapshot,
    stream,
    usage,
    steps: stepsOf(completion),
    headers: { 'x-amzn-requestid': id },
    json: (options) => ({ ...rest, ...(options.usage && { usage: told }) }),
    streamType: EVENT_STREAM_TYPE,
    frames: (options) => invokeFrames(completion, message, options),
    failureFrame: exceptionMessage,
  }
}

/** Anthropic's events, each as base64 in an event `chunk`; the last one tells the counts once more. */
function* invokeFrames(
  completion: Completion,
  message: AnthropicMessage,
  options: ShapeOptions,
): Generator<Frame> {
  const { usage } = completion
  const metrics = {
    inputTokenCount: usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens,
    outputTokenCount: usage.output_tokens,
    invocationLatency: 980,
    firstByteLatency: 310,
    cacheReadInputTokenCount: usage.cache_read_tokens,
    cacheWriteInputTokenCount: usage.cache_write_tokens,
  }
  for (const { event, tokens } of messageEvents(completion, message, options)) {
    const isLast = event.type === 'message_stop' && options.usage
    const told = { ...event, ...(isLast && { 'amazon-bedrock-invocationMetrics': metrics }) }
    const bytes = Buffer.from(JSON.stringify(told)).toString('base64')
    yield { wire: eventOf('chunk', { bytes }), tokens }
  }
}
