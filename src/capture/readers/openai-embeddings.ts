import { arrayAt, isObject, objectAt } from '../json.js'
import { providerOfModel } from '../provider-of-model.js'
import { sayModel, sayProvider } from '../reading.js'
import { providerOfUsage } from './compatible.js'
import { readChatUsage } from './openai-chat.js'
import type { Reader } from './reader.js'

/**
 * OpenAI Embeddings (`object: "list"` of embeddings), also Azure's and Mistral's: all tokens are
 * sent, none produced.
 * https://platform.openai.com/docs/api-reference/embeddings/object
 */
export const openAiEmbeddings: Reader = {
  name: 'openai-embeddings',
  read(payload, reading) {
    const first = arrayAt(payload, 'data')[0]
    const usage = objectAt(payload, 'usage')
    if (!usage || !isObject(first) || !('embedding' in first)) return false
    sayModel(reading, payload.model)
    sayProvider(reading, providerOfUsage(usage), true)
    sayProvider(reading, providerOfModel(reading.model))
    const { prompt_tokens, total_tokens } = usage
    // Voyage's has the total only.
    readChatUsage({ ...usage, prompt_tokens: prompt_tokens ?? total_tokens }, reading)
    return true
  },
}
