import type { Completion } from '../inference.js'
import { compatibleChat } from './compatible-chat.js'
import { openaiDialect } from './openai-dialect.js'

/**
 * The stream tells usage twice: in `x_groq` with the finish reason always, and on a chunk of its own
 * for those who ask.
 */
export const groqChat = compatibleChat({
  path: '/openai/v1/chat/completions',
  dialect: {
    ...openaiDialect,
    provider: 'groq',
    headers: (requestId) => ({ 'x-request-id': requestId }),
  },
  idPrefix: 'chatcmpl-',
  caches: true,
  thoughtField: 'reasoning',
  usageChunk: 'own',
  usageOnRequest: true,
  usage: groqUsage,
  beside: (place, id, usage) => ({
    system_fingerprint: 'fp_simulator',
    ...(place === 'answer' && { service_tier: 'on_demand', usage_breakdown: null }),
    x_groq: { id: `req_${id.slice(-24)}`, ...(place === 'finish' && usage && { usage }) },
  }),
})

function groqUsage({ model, usage }: Completion) {
  return {
    queue_time: 0.037,
    prompt_tokens: usage.input_tokens,
    prompt_time: 0.0006,
    completion_tokens: usage.output_tokens,
    completion_time: 0.46,
    total_tokens: usage.input_tokens + usage.output_tokens,
    total_time: 0.4606,
    ...(usage.cache_read_tokens > 0 && {
      prompt_tokens_details: { cached_tokens: usage.cache_read_tokens },
    }),
    ...(model.reasoning && {
      completion_tokens_details: { reasoning_tokens: usage.reasoning_tokens },
    }),
  }
}
