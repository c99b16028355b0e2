import type { Completion } from '../inference.js'
import { compatibleChat } from './compatible-chat.js'
import { openaiDialect } from './openai-dialect.js'

/** Usage comes unasked, on the chunk with the finish reason, and tells the cache in two ways. */
export const deepseekChat = compatibleChat({
  path: '/chat/completions',
  dialect: {
    ...openaiDialect,
    provider: 'deepseek',
    headers: (requestId) => ({ 'x-ds-trace-id': requestId }),
  },
  idPrefix: '',
  caches: true,
  thoughtField: 'reasoning_content',
  usageChunk: 'finish',
  usageOnRequest: false,
  usage: deepseekUsage,
  beside: () => ({ system_fingerprint: 'fp_simulator' }),
})

function deepseekUsage({ model, usage }: Completion) {
  return {
    prompt_tokens: usage.input_tokens,
    completion_tokens: usage.output_tokens,
    total_tokens: usage.input_tokens + usage.output_tokens,
    prompt_tokens_details: { cached_tokens: usage.cache_read_tokens },
    ...(model.reasoning && {
      completion_tokens_details: { reasoning_tokens: usage.reasoning_tokens },
    }),
    prompt_cache_hit_tokens: usage.cache_read_tokens,
    prompt_cache_miss_tokens: usage.input_tokens - usage.cache_read_tokens,
  }
}
