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
  const message = anthropicMessage(completion, cachesForAnHour(asked))
  const { usage, ...rest } = message.whole
  return {
    kind: 'billed',
    id: rest.id,
    model: rest.model,
    stream: asked.stream === true,
    usage: completion.usage,
    steps: stepsOf(completion),
    json: (options) => ({ ...rest, ...(options.usage && { usage }) }),
    frames: (options) => messageFrames(completion, message, options),
    failureFrame: () => {
      const { body } = anthropicDialect.failure('overloaded', 'Overloaded', randomId('req_'))
      return `event: error\ndata: ${JSON.stringify(body)}\n\n`
    },
  }
}

export type AnthropicMessage = ReturnType<typeof anthropicMessage>

/** The whole answer, and as the stream begins it. */
export function anthropicMessage(completion: Completion, cachesForAnHour: boolean) {
  const { model, text } = completion
  const id = randomId('msg_')
  const shared = { id, type: 'message', role: 'assistant', model: model.snapshot }
  const usage = anthropicUsage(completion, cachesForAnHour)
  const content = [{ type: 'text', text }]
  return {
    whole: { ...shared, content, ...stopOf(completion), usage },
    begun: { ...shared, content: [], stop_reason: null, stop_sequence: null },
  }
}

function stopOf({ truncated }: Completion) {
  return { stop_reason: truncated ? 'max_tokens' : 'end_turn', stop_sequence: null }
}

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
  message: AnthropicMessage,
  options: ShapeOptions,
): Generator<Frame> {
  for (const { event, tokens } of messageEvents(completion, message, options)) {
    yield { wire: `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`, tokens }
  }
}

interface MessageEvent {
  readonly event: { readonly type: string } & Readonly<Record<string, unknown>>
  readonly tokens: number
}

/** The events of a streamed message, and the tokens made for each. */
export function* messageEvents(
  completion: Completion,
  { whole, begun }: AnthropicMessage,
  options: ShapeOptions,
): Generator<MessageEvent> {
  const at = (event: MessageEvent['event'], tokens = 0) => ({ event, tokens })
  const usageAtStart = options.usage && { usage: { ...whole.usage, output_tokens: 1 } }
  yield at({ type: 'message_start', message: { ...begun, ...usageAtStart } })
  const block = { type: 'text', text: '' }
  yield at({ type: 'content_block_start', index: 0, content_block: block })
  yield at({ type: 'ping' })
  for (const { text, tokens } of completion.pieces) {
    const delta = { type: 'text_delta', text }
    yield at({ type: 'content_block_delta', index: 0, delta }, tokens)
  }
  yield at({ type: 'content_block_stop', index: 0 })
  const { input_tokens, cache_creation_input_tokens, cache_read_input_tokens, output_tokens } =
    whole.usage
  const total = {
    input_tokens,
    cache_creation_input_tokens,
    cache_read_input_tokens,
    output_tokens,
  }
  const usageAtEnd = options.usage && { usage: total }
  yield at({ type: 'message_delta', delta: stopOf(completion), ...usageAtEnd })
  yield at({ type: 'message_stop' })
}
