import * as z from 'zod'
import { Refusal } from '../dialect.js'
import type { BilledPlan, Format, Frame, ShapeOptions } from '../format.js'
import { stepsOf, type Completion } from '../inference.js'
import { randomId } from '../random.js'
import { content, parseBody, textOf, tokenLimit } from './content.js'
import { openaiDialect } from './openai-dialect.js'

const chatBody = z.looseObject({
  model: z.string(),
  messages: z
    .array(
      z.looseObject({
        role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
        content: content.nullish(),
        name: z.string().optional(),
      }),
    )
    .min(1),
  stream: z.boolean().nullish(),
  stream_options: z
    .looseObject({
      include_usage: z.boolean().nullish(),
      include_obfuscation: z.boolean().nullish(),
    })
    .nullish(),
  max_tokens: tokenLimit,
  max_completion_tokens: tokenLimit,
  n: z.literal(1, 'the simulator gives one choice').nullish(),
  tools: z.array(z.unknown()).nullish(),
})

export type ChatBody = z.infer<typeof chatBody>

export function parseChatBody(body: unknown): ChatBody {
  return parseBody(chatBody, body)
}

/** What inference needs of a chat request in OpenAI's shape. */
export function promptOf({ model, messages, tools, ...limits }: ChatBody) {
  return {
    model,
    messages: messages.map(({ role, content, name }) => ({ role, text: textOf(content), name })),
    appendix: tools ? JSON.stringify(tools) : '',
    maxTokens: limits.max_completion_tokens ?? limits.max_tokens ?? undefined,
  }
}

export const openaiChat: Format = {
  method: 'POST',
  path: '/v1/chat/completions',
  dialect: openaiDialect,
  plan: ({ body }, inference) => {
    const chat = parseChatBody(body)
    const { reasoning } = inference.model('openai', chat.model)
    if (reasoning && typeof chat.max_tokens === 'number') {
      throw new Refusal(
        'bad_request',
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      )
    }
    return chatPlan(chat, inference.complete({ provider: 'openai', ...promptOf(chat) }))
  },
}

function chatPlan(chat: ChatBody, completion: Completion): BilledPlan {
  const id = randomId('chatcmpl-')
  const { model, text, truncated, usage } = completion
  const shared = {
    id,
    created: Math.floor(Date.now() / 1000),
    model: model.snapshot,
    service_tier: 'default',
    system_fingerprint: 'fp_simulator',
  }
  const message = { role: 'assistant', content: text, refusal: null, annotations: [] }
  const finishReason = truncated ? 'length' : 'stop'
  return {
    kind: 'billed',
    id,
    model: model.snapshot,
    stream: chat.stream === true,
    usage,
    steps: stepsOf(completion),
    json: (options) => ({
      ...shared,
      object: 'chat.completion',
      choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason }],
      ...(options.usage && { usage: openaiUsage(completion) }),
    }),
    frames: (options) => chatFrames(chat, completion, shared, options),
    failureFrame: () => {
      const { body } = openaiDialect.failure('server_error', 'The server had an error.', id)
      return `data: ${JSON.stringify(body)}\n\n`
    },
  }
}

/** CompletionUsage: cache and reasoning stand inside the totals. */
export function openaiUsage({ usage }: Completion) {
  return {
    prompt_tokens: usage.input_tokens,
    completion_tokens: usage.output_tokens,
    total_tokens: usage.input_tokens + usage.output_tokens,
    prompt_tokens_details: { cached_tokens: usage.cache_read_tokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning_tokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

function* chatFrames(
  { stream_options: asked }: ChatBody,
  completion: Completion,
  shared: object,
  options: ShapeOptions,
): Generator<Frame> {
  const withUsage = asked?.include_usage === true && options.usage
  const obfuscated = asked?.include_obfuscation !== false
  const frame = (delta: object, finishReason: string | null, tokens: number): Frame => {
    const chunk = {
      ...shared,
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
      ...(withUsage && { usage: null }),
      ...(obfuscated && { obfuscation: 'x8Kd' }),
    }
    return { wire: `data: ${JSON.stringify(chunk)}\n\n`, tokens }
  }
  const { pieces, truncated, usage } = completion
  const opening = { role: 'assistant', content: '', refusal: null }
  yield frame(opening, null, usage.reasoning_tokens)
  for (const { text, tokens } of pieces) yield frame({ content: text }, null, tokens)
  yield frame({}, truncated ? 'length' : 'stop', 0)
  if (withUsage) {
    const last = {
      ...shared,
      object: 'chat.completion.chunk',
      choices: [],
      usage: openaiUsage(completion),
    }
    yield { wire: `data: ${JSON.stringify(last)}\n\n`, tokens: 0 }
  }
  yield { wire: 'data: [DONE]\n\n', tokens: 0 }
}
