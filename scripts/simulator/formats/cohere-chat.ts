import * as z from 'zod'
import type { Dialect } from '../dialect.js'
import type { BilledPlan, Format, Frame, ShapeOptions } from '../format.js'
import { stepsOf, type Completion } from '../inference.js'
import { randomId } from '../random.js'
import { content, parseBody, textOf, tokenLimit } from './content.js'
import { bearerToken } from './openai-dialect.js'
import { STATUS } from './status.js'

const chatBody = z.looseObject({
  model: z.string(),
  messages: z
    .array(
      z.looseObject({
        role: z.enum(['system', 'user', 'assistant', 'tool']),
        content: content.nullish(),
      }),
    )
    .min(1),
  stream: z.boolean().nullish(),
  max_tokens: tokenLimit,
  tools: z.array(z.unknown()).nullish(),
})

const cohereDialect: Dialect = {
  provider: 'cohere',
  apiKey: ({ authorization }) => bearerToken(authorization),
  failure: (kind, message, requestId) => {
    const wording = kind === 'model_not_found' ? `model '${message}' not found` : message
    return { status: STATUS[kind], body: { id: requestId, message: wording } }
  },
  headers: () => ({}),
}

/** Neither the model nor any cache is told in the answer. */
export const cohereChat: Format = {
  method: 'POST',
  path: '/v2/chat',
  dialect: cohereDialect,
  plan: ({ body }, inference) => {
    const asked = parseBody(chatBody, body)
    const completion = inference.complete({
      provider: 'cohere',
      model: asked.model,
      messages: asked.messages.map(({ role, content }) => ({ role, text: textOf(content) })),
      appendix: asked.tools ? JSON.stringify(asked.tools) : '',
      maxTokens: asked.max_tokens ?? undefined,
      cacheBreakpoints: [],
    })
    return chatPlan(asked.stream === true, completion)
  },
}

function chatPlan(stream: boolean, completion: Completion): BilledPlan {
  const id = randomId('')
  const { model, text, usage } = completion
  return {
    kind: 'billed',
    id,
    model: model.snapshot,
    stream,
    usage,
    steps: stepsOf(completion),
    json: (options) => ({
      id,
      finish_reason: finishOf(completion),
      message: { role: 'assistant', content: [{ type: 'text', text }] },
      ...(options.usage && { usage: cohereUsage(completion) }),
    }),
    frames: (options) => chatFrames(id, completion, options),
    failureFrame: () => {
      const delta = { finish_reason: 'ERROR', error: 'internal server error' }
      return wireOf({ type: 'message-end', delta })
    },
  }
}

function finishOf({ truncated }: Completion): string {
  return truncated ? 'MAX_TOKENS' : 'COMPLETE'
}

/** The frame around the conversation counts as tokens but is not billed. */
function cohereUsage({ usage }: Completion) {
  const { input_tokens, output_tokens } = usage
  return {
    billed_units: { input_tokens: Math.max(input_tokens - 3, 0), output_tokens },
    tokens: { input_tokens, output_tokens },
    cached_tokens: 0,
  }
}

function wireOf(event: { type: string } & Record<string, unknown>): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

function* chatFrames(id: string, completion: Completion, options: ShapeOptions): Generator<Frame> {
  const frame = (event: { type: string } & Record<string, unknown>, tokens = 0): Frame => ({
    wire: wireOf(event),
    tokens,
  })
  const empty = { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] }
  yield frame({ type: 'message-start', id, delta: { message: empty } })
  const block = (content: object) => ({ index: 0, delta: { message: { content } } })
  yield frame({ type: 'content-start', ...block({ type: 'text', text: '' }) })
  for (const { text, tokens } of completion.pieces) {
    yield frame({ type: 'content-delta', ...block({ text }) }, tokens)
  }
  yield frame({ type: 'content-end', index: 0 })
  const usage = options.usage && { usage: cohereUsage(completion) }
  yield frame({
    type: 'message-end',
    delta: { finish_reason: finishOf(completion), ...usage },
  })
  yield { wire: 'data: [DONE]\n\n', tokens: 0 }
}
