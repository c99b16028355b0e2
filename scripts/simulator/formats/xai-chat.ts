import type { Dialect } from '../dialect.js'
import type { Completion } from '../inference.js'
import type { TokenUsage } from '../usage.js'
import { compatibleChat } from './compatible-chat.js'
import { costs, sumOf } from './cost.js'
import { bearerToken } from './openai-dialect.js'
import { STATUS } from './status.js'

const TICKS_PER_USD = 1e10

const xaiDialect: Dialect = {
  provider: 'xai',
  apiKey: ({ authorization }) => bearerToken(authorization),
  failure: (kind, message) => {
    const error = kind === 'model_not_found' ? `The model ${message} does not exist.` : message
    return { status: STATUS[kind], body: { code: kind, error } }
  },
  headers: (requestId) => ({ 'x-request-id': requestId }),
}

/** Reasoning stands beside `completion_tokens`, not inside; usage comes unasked, on the last chunk. */
export const xaiChat = compatibleChat({
  path: '/xai/v1/chat/completions',
  dialect: xaiDialect,
  idPrefix: '',
  caches: true,
  thoughtField: 'reasoning_content',
  usageChunk: 'own',
  usageOnRequest: false,
  usage: xaiUsage,
  beside: () => ({ system_fingerprint: 'fp_simulator' }),
  costUsd: (usage, completion) => ticks(usage, completion) / TICKS_PER_USD,
})

function ticks(usage: TokenUsage, { model }: Completion): number {
  return Math.round(sumOf(costs(usage, model)) * TICKS_PER_USD)
}

function xaiUsage(completion: Completion) {
  const { usage } = completion
  return {
    prompt_tokens: usage.input_tokens,
    completion_tokens: usage.output_tokens - usage.reasoning_tokens,
    total_tokens: usage.input_tokens + usage.output_tokens,
    prompt_tokens_details: {
      text_tokens: usage.input_tokens,
      audio_tokens: 0,
      image_tokens: 0,
      cached_tokens: usage.cache_read_tokens,
    },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning_tokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
    num_sources_used: 0,
    cost_in_usd_ticks: ticks(usage, completion),
  }
}
