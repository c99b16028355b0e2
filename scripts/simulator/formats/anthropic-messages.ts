import type { BilledPlan, Format, Frame, ShapeOptions } from '../format.js'
import { stepsOf, type Completion } from '../inference.js'
import { randomId } from '../random.js'
import { anthropicDialect } from './anthropic-dialect.js'
import {
  cacheBreakpoints,
  cachesForAnHour,
  messagesBody,
  messagesOf,
  type MessagesBody,
} from './anthropic-prompt.js'
import { parseBody } from './content.js'

export const anthropicMessages: Format = {
  method: 'POST',
  path: '/v1/messages',
  dialect: anthropicDialect,
  plan: ({ body }, inference) => {
    const asked = parseBody(messagesBody, body)
    const completion = inference.complete({
      provider: 'anthropic',
      model: asked.model,
      messages: messagesOf(asked),
      appendix: asked.tools ? JSON.stringify(asked.tools) : '',
      maxTokens: asked.max_tokens,
      cacheBreakpoints: cacheBreakpoints(asked),
    })
    return messagesPlan(asked, completion)
  },
}

function messagesPlan(asked: MessagesBody, completion: Completion): BilledPlan {
  const id = randomId('msg_')
  const { model, text } = completion
  const shared = { id, type: 'message', role: 'assistant', model: model.snapshot }
  const usage = anthropicUsage(completion, cachesForAnHour(asked))
  return {
    kind: 'billed',
    id,
    model: model.snapshot,
    stream: asked.stream === true,
    usage: completion.usage,
    steps: stepsOf(completion),
    json: (options) => ({
      ...shared,
      content: [{ type: 'text', text }],
      ...stopOf(completion),
      ...(options.usage && { usage }),
    }),
    frames: (options) => messageFrames(completion, shared, usage, options),
    failureFrame: () => {
      const { body } = anthropicDialect.failure('overloaded', 'Overloaded', randomId('req_'))
      return `event: error\ndata: ${JSON.stringify(body)}\n\n`
    },
  }
}

function stopOf({ truncated }: Completion) {
  return { stop_reason: truncated ? 'max_tokens' : 'end_turn', stop_sequence: null }
}

type AnthropicUsage = ReturnType<typeof anthropicUsage>

/** Cached tokens stand beside `input_tokens`, not inside. */
function anthropicUsage({ usage }: Completion, hour: boolean) {
  const { cache_read_tokens: read, cache_write_tokens: written } = usage
  return {
    input_tokens: usage.input_tokens - read - written,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    cache_creation: {
      ephemeral_5m_input_tokens: hour ? 0 : written,
      ephemeral_1h_input_tokens: hour ? written : 0,
    },
    output_tokens: usage.output_tokens,
    service_tier: 'standard',
    inference_geo: 'not_available',
  }
}

function* messageFrames(
  completion: Completion,
  shared: object,
  usage: AnthropicUsage,
  options: ShapeOptions,
): Generator<Frame> {
  const frame = (event: { type: string } & Record<string, unknown>, tokens = 0): Frame => ({
    wire: `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
    tokens,
  })
  const started = { ...shared, content: [], stop_reason: null, stop_sequence: null }
  const usageAtStart = options.usage && { usage: { ...usage, output_tokens: 1 } }
  yield frame({ type: 'message_start', message: { ...started, ...usageAtStart } })
  const block = { type: 'text', text: '' }
  yield frame({ type: 'content_block_start', index: 0, content_block: block })
  yield frame({ type: 'ping' })
  for (const { text, tokens } of completion.pieces) {
    const delta = { type: 'text_delta', text }
    yield frame({ type: 'content_block_delta', index: 0, delta }, tokens)
  }
  yield frame({ type: 'content_block_stop', index: 0 })
  const { input_tokens, cache_creation_input_tokens, cache_read_input_tokens, output_tokens } =
    usage
  const total = {
    input_tokens,
    cache_creation_input_tokens,
    cache_read_input_tokens,
    output_tokens,
  }
  const usageAtEnd = options.usage && { usage: total }
  yield frame({ type: 'message_delta', delta: stopOf(completion), ...usageAtEnd })
  yield frame({ type: 'message_stop' })
}
