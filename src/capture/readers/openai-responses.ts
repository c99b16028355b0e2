import { arrayAt, isObject, objectAt, stringAt, type JsonObject } from '../json.js'
import { addText, errorType, figure, name, type Reading } from '../reading.js'
import type { Reader } from './reader.js'

/**
 * OpenAI Responses, whole (`object: "response"`) or as stream events (`response.*`).
 * The names are Anthropic's, the meaning is OpenAI's: cache is inside input_tokens.
 * https://platform.openai.com/docs/api-reference/responses/object
 */
export const openAiResponses: Reader = {
  name: 'openai-responses',
  read(payload, reading) {
    if (payload.object === 'response') {
      readResponse(payload, reading)
      for (const item of arrayAt(payload, 'output')) if (isObject(item)) readItem(item, reading)
      return true
    }
    const type = stringAt(payload, 'type')
    if (!type?.startsWith('response.')) return false
    reading.provider ??= 'openai'
    const response = objectAt(payload, 'response')
    if (response) readResponse(response, reading)
    if (type.endsWith('.delta')) addText(reading, payload.delta)
    return true
  },
}

function readResponse(response: JsonObject, reading: Reading): void {
  reading.provider ??= 'openai'
  reading.model = name(response.model) ?? reading.model
  reading.generation_id ??= name(response.id)
  if (isObject(response.error)) reading.error_type = errorType(response.error)
  else if (response.status === 'failed') reading.error_type ??= 'provider_error'
  const usage = objectAt(response, 'usage')
  if (usage) readResponsesUsage(usage, reading)
}

/** Folds an OpenAI Responses `usage` object. */
export function readResponsesUsage(usage: JsonObject, reading: Reading): void {
  const input = figure(usage, 'input_tokens', reading)
  const output = figure(usage, 'output_tokens', reading)
  if (input === undefined && output === undefined) return
  const cached = objectAt(usage, 'input_tokens_details')
  const reasoning = objectAt(usage, 'output_tokens_details')
  reading.tokens = {
    ...(input !== undefined && { input_tokens: input }),
    output_tokens: output ?? 0,
    cache_read_tokens: figure(cached, 'cached_tokens', reading) ?? 0,
    cache_write_tokens: 0,
    reasoning_tokens: figure(reasoning, 'reasoning_tokens', reading) ?? 0,
  }
  reading.output_is_final = true
}

function readItem(item: JsonObject, reading: Reading): void {
  addText(reading, item.arguments)
  for (const part of arrayAt(item, 'content')) if (isObject(part)) addText(reading, part.text)
}
