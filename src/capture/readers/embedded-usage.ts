import { objectAt, type JsonObject } from '../json.js'
import { providerOfAlias } from '../provider-of-model.js'
import { addText, sayModel, sayProvider, type Reading } from '../reading.js'
import type { Reader } from './reader.js'
import { readAnyUsage } from './usage-shapes.js'

const usageKeys = ['usage', 'totalUsage', 'usageMetadata', 'usage_metadata', 'tokenUsage'] as const

/**
 * A host's own answer that hands on the provider's usage object: `{ reply, model?, usage }`. The
 * object's own keys tell whose it is; the provider is left to the model's name.
 */
export const embeddedUsage: Reader = {
  name: 'embedded-usage',
  read(payload, reading) {
    const { text_length } = reading
    readReply(payload, reading)
    const usage = usageOf(payload)
    if (usage !== undefined || reading.text_length > text_length) {
      sayModel(reading, payload.model)
      sayProvider(reading, providerOfAlias(payload.provider))
    }
    if (usage === undefined) return false
    readAnyUsage(usage, reading)
    return reading.output_is_final
  },
}

function usageOf(payload: JsonObject): JsonObject | undefined {
  for (const key of usageKeys) {
    const usage = objectAt(payload, key)
    if (usage) return usage
  }
  return undefined
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
