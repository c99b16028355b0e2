import { sayAnswer } from '../answers.js'
import { setFigures } from '../figures.js'
import { arrayAt, isObject, objectAt, stringAt, type Json, type JsonObject } from '../json.js'
import { providerOfModel } from '../provider-of-model.js'
import {
  addText,
  errorType,
  figure,
  name,
  sayModel,
  sayProvider,
  type Reading,
  unnamedError,
} from '../reading.js'
import { providerOfUsage, readCost } from './compatible.js'
import { mediaOfDetails } from './media.js'
import type { Reader } from './reader.js'

/**
 * OpenAI Responses, whole (`object: "response"`) or as stream events (`response.*`), also from Azure,
 * OpenRouter, xAI and Groq. The names are Anthropic's, the meaning is OpenAI's: cache is inside
 * input_tokens.
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
    const response = objectAt(payload, 'response')
    if (response) readResponse(response, reading)
    if (type.endsWith('.delta')) addText(reading, payload.delta)
    return true
  },
}

function readResponse(response: JsonObject, reading: Reading): void {
  const usage = objectAt(response, 'usage')
  sayModel(reading, response.model)
  sayProvider(reading, providerOfResponse(response, usage), true)
  sayProvider(reading, providerOfModel(reading.model))
  sayAnswer(reading, response.id, usage !== undefined)
  reading.service_tier = name(response.service_tier, 64) ?? reading.service_tier
  if (isObject(response.error)) reading.error_type = errorType(response.error)
  else if (response.status === 'failed') reading.error_type ??= unnamedError
  if (usage) readResponsesUsage(usage, reading, arrayAt(response, 'output'))
}

function providerOfResponse(response: JsonObject, usage: JsonObject | undefined) {
  if (response.content_filters !== undefined) return 'azure'
  if (typeof response.id === 'string' && response.id.startsWith('gen-')) return 'openrouter'
  return usage && providerOfUsage(usage)
}

/** Folds an OpenAI Responses `usage` object; searches are in the output alone. */
export function readResponsesUsage(
  usage: JsonObject,
  reading: Reading,
  items: readonly Json[] = [],
): void {
  const input = figure(usage, 'input_tokens', reading, 'input_tokens')
  const output = figure(usage, 'output_tokens', reading, 'output_tokens')
  readCost(usage, reading)
  if (input === undefined && output === undefined) return
  const sent = objectAt(usage, 'input_tokens_details') ?? objectAt(usage, 'input_token_details')
  const produced =
    objectAt(usage, 'output_tokens_details') ?? objectAt(usage, 'output_token_details')
  const isBroken = usage.output_tokens != null && output === undefined
  setFigures(
    reading,
    {
      input,
      output: isBroken ? undefined : (output ?? 0),
      cacheRead: figure(sent, 'cached_tokens', reading, 'cache_read_tokens'),
      cacheWrite: figure(sent, 'cache_write_tokens', reading, 'cache_write_tokens'),
      reasoning: figure(produced, 'reasoning_tokens', reading, 'reasoning_tokens'),
      total: figure(usage, 'total_tokens', reading, 'total_tokens'),
      extras: { ...mediaOfDetails(sent, produced, reading), ...searchesIn(items) },
    },
    { cache: 'inside', reasoning: 'inside' },
  )
  reading.output_is_final = reading.tokens.output_tokens !== undefined
}

/**
 * The searches among output items. Of what is done on the web only they are billed, not that a page
 * is opened or searched.
 * https://platform.openai.com/docs/guides/tools-web-search
 */
function searchesIn(items: readonly Json[]) {
  let [web_searches, file_searches] = [0, 0]
  for (const item of items) {
    if (!isObject(item)) continue
    const { type, action } = item
    if (type === 'file_search_call') file_searches += 1
    if (type !== 'web_search_call') continue
    if (!isObject(action) || action.type === undefined || action.type === 'search')
      web_searches += 1
  }
  return { web_searches, file_searches }
}

function readItem(item: JsonObject, reading: Reading): void {
  addText(reading, item.arguments)
  for (const part of arrayAt(item, 'content')) if (isObject(part)) addText(reading, part.text)
}
