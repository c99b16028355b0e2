import type { Dialect } from '../dialect.js'
import { compatibleChat } from './compatible-chat.js'
import { bearerToken } from './openai-dialect.js'
import { STATUS } from './status.js'

const mistralDialect: Dialect = {
  provider: 'mistral',
  apiKey: ({ authorization }) => bearerToken(authorization),
  failure: (kind, message) => {
    const type = kind === 'bad_request' ? 'invalid_request_error' : kind
    const wording = kind === 'model_not_found' ? `Invalid model: ${message}` : message
    const error = { object: 'error', message: wording, type, param: null, code: null }
    // A wrong model is a bad request here.
    return { status: kind === 'model_not_found' ? 400 : STATUS[kind], body: error }
  },
  headers: (requestId) => ({ 'mistral-correlation-id': requestId }),
}

/** Usage comes unasked, on the chunk with the finish reason; neither cache nor reasoning is told. */
export const mistralChat = compatibleChat({
  path: '/mistral/v1/chat/completions',
  dialect: mistralDialect,
  idPrefix: 'cmpl-',
  caches: false,
  usageChunk: 'finish',
  usageOnRequest: false,
  usage: ({ usage }) => ({
    prompt_tokens: usage.input_tokens,
    completion_tokens: usage.output_tokens,
    total_tokens: usage.input_tokens + usage.output_tokens,
  }),
})
