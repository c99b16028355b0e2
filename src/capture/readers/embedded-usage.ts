import { objectAt, type JsonObject } from '../json.js'
import { addText, name, type Reading } from '../reading.js'
import { readAnthropicUsage } from './anthropic.js'
import { readChatUsage } from './openai-chat.js'
import { readResponsesUsage } from './openai-responses.js'
import type { Reader } from './reader.js'

/**
 * A host's own answer that hands on the provider's usage object: `{ reply, model?, usage }`. The
 * object's own keys tell whose it is; the provider is left to the model's name.
 */
export const embeddedUsage: Reader = {
  name: 'embedded-usage',
  read(payload, reading) {
    readReply(payload, reading)
    const usage = objectAt(payload, 'usage')
    if (!usage) return false
    reading.model = name(payload.model) ?? reading.model
    if ('prompt_tokens' in usage || 'completion_tokens' in usage) readChatUsage(usage, reading)
    else if (isAnthropic(usage)) {
      readAnthropicUsage(usage, reading)
      reading.output_is_final = reading.tokens.output_tokens !== undefined
    } else readResponsesUsage(usage, reading)
    return reading.output_is_final
  },
}

function isAnthropic(usage: JsonObject): boolean {
  return 'cache_read_input_tokens' in usage || 'cache_creation_input_tokens' in usage
}

const replyKeys = [
  'reply',
  'text',
  'content',
  'answer',
  'message',
  'response',
  'completion',
  'output',
  'output_text',
  'summary',
  'result',
  'delta',
  'token',
]

function readReply(payload: JsonObject, reading: Reading): void {
  for (const key of replyKeys) {
    const value = payload[key]
    if (typeof value === 'string') addText(reading, value)
    else if (key === 'message' || key === 'delta') {
      const nested = objectAt(payload, key)
      if (nested) addText(reading, nested.content ?? nested.text)
    }
  }
}
