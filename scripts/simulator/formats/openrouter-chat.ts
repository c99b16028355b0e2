import type { BilledPlan, Format, Frame, ShapeOptions } from '../format.js'
import { stepsOf, type Completion } from '../inference.js'
import { randomId } from '../random.js'
import { costs, sumOf } from './cost.js'
import { openaiUsage, parseChatBody, promptOf } from './openai-chat.js'
import { openrouterDialect } from './openrouter-dialect.js'

const PROCESSING: Frame = { wire: ': OPENROUTER PROCESSING\n\n', tokens: 0, keepalive: true }

const THOUGHT = 'Let me think about what is asked before answering.'

export const openrouterChat: Format = {
  method: 'POST',
  path: '/api/v1/chat/completions',
  dialect: openrouterDialect,
  plan: ({ body }, inference) => {
    const chat = parseChatBody(body)
    const completion = inference.complete({ provider: 'openrouter', ...promptOf(chat) })
    return chatPlan(chat.stream === true, completion)
  },
}

function chatPlan(stream: boolean, completion: Completion): BilledPlan {
  const { model, text, usage } = completion
  const id = randomId('gen-')
  const created = Math.floor(Date.now() / 1000)
  const shared = { id, provider: model.servedBy, model: model.id, created }
  const reasoning = model.reasoning ? THOUGHT : null
  const message = { role: 'assistant', content: text, refusal: null, reasoning }
  return {
    kind: 'billed',
    id,
    model: model.id,
    stream,
    usage,
    steps: stepsOf(completion),
    costUsd: (used) => sumOf(costs(used, model)),
    headers: { 'x-generation-id': id },
    json: (options) => ({
      ...shared,
      object: 'chat.completion',
      system_fingerprint: null,
      choices: [{ logprobs: null, ...finishOf(completion), index: 0, message }],
      ...(options.usage && { usage: openrouterUsage(completion) }),
    }),
    frames: (options) => chatFrames(completion, shared, options),
    failureFrame: () => failureFrame(shared),
  }
}

function finishOf({ truncated }: Completion) {
  const reason = truncated ? 'length' : 'stop'
  return { finish_reason: reason, native_finish_reason: reason }
}

function openrouterUsage(completion: Completion) {
  const cost = costs(completion.usage, completion.model)
  const { prompt_tokens, completion_tokens, total_tokens } = openaiUsage(completion)
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens,
    cost: sumOf(cost),
    is_byok: false,
    prompt_tokens_details: {
      cached_tokens: completion.usage.cache_read_tokens,
      cache_write_tokens: 0,
      audio_tokens: 0,
      video_tokens: 0,
    },
    cost_details: {
      upstream_inference_cost: null,
      upstream_inference_prompt_cost: Number(cost.prompt.toFixed(12)),
      upstream_inference_completions_cost: Number(cost.completion.toFixed(12)),
    },
    completion_tokens_details: {
      reasoning_tokens: completion.usage.reasoning_tokens,
      image_tokens: 0,
    },
  }
}

function* chatFrames(
  completion: Completion,
  shared: object,
  options: ShapeOptions,
): Generator<Frame> {
  const { model, pieces, usage } = completion
  const open = { finish_reason: null, native_finish_reason: null }
  const frame = (delta: object, finish: object, tokens: number, tail: object = {}): Frame => {
    const choice = { index: 0, delta: { role: 'assistant', ...delta }, ...finish, logprobs: null }
    const chunk = { ...shared, object: 'chat.completion.chunk', choices: [choice], ...tail }
    return { wire: `data: ${JSON.stringify(chunk)}\n\n`, tokens }
  }
  yield PROCESSING
  yield PROCESSING
  const thought = model.reasoning ? { reasoning: THOUGHT } : {}
  yield frame({ content: '', ...thought }, open, usage.reasoning_tokens)
  for (const { text, tokens } of pieces) yield frame({ content: text }, open, tokens)
  yield frame({ content: '' }, finishOf(completion), 0)
  // Usage comes whether asked for or not, on a chunk that still has a choice.
  if (options.usage) yield frame({ content: '' }, open, 0, { usage: openrouterUsage(completion) })
  yield { wire: 'data: [DONE]\n\n', tokens: 0 }
}

function failureFrame(shared: object): string {
  const error = { code: 502, message: 'Provider disconnected unexpectedly' }
  const delta = { role: 'assistant', content: '' }
  const choice = { index: 0, delta, finish_reason: 'error', native_finish_reason: 'error' }
  const chunk = { ...shared, object: 'chat.completion.chunk', error, choices: [choice] }
  return `data: ${JSON.stringify(chunk)}\n\n`
}
