import { setFigures } from '../figures.js'
import { arrayAt, isObject, objectAt, type JsonObject } from '../json.js'
import { addJson, addText, figure, name, sayModel, sayProvider, type Reading } from '../reading.js'
import { mediaOfLists } from './media.js'
import type { Reader } from './reader.js'

/**
 * Gemini generateContent, whole, as SSE (`alt=sse`) or as the elements of a JSON array. Cache is
 * inside promptTokenCount; thoughts stand beside candidatesTokenCount and what tools sent back to
 * the model beside the prompt. Stream figures are cumulative, the first chunks may lack the
 * candidates'; they are final with a finishReason.
 * https://ai.google.dev/api/generate-content#UsageMetadata
 */
export const gemini: Reader = {
  name: 'gemini',
  read(payload, reading) {
    sayProvider(reading, 'google')
    sayModel(reading, payload.modelVersion)
    reading.generation_id ??= name(payload.responseId)
    const candidates = arrayAt(payload, 'candidates')
    let isFinished = candidates.length === 0
    for (const candidate of candidates) {
      if (!isObject(candidate)) continue
      if (typeof candidate.finishReason === 'string') isFinished = true
      readCandidate(candidate, reading)
    }
    const usage = objectAt(payload, 'usageMetadata')
    if (usage) readGeminiUsage(usage, reading, isFinished)
    return true
  },
}

const lists = {
  sent: ['promptTokensDetails', 'toolUsePromptTokensDetails'],
  produced: 'candidatesTokensDetails',
  cached: 'cacheTokensDetails',
  count: 'tokenCount',
} as const

/** Folds a Gemini `usageMetadata`; the last one of a stream wins. */
export function readGeminiUsage(usage: JsonObject, reading: Reading, isFinished = true): void {
  const candidates = figure(usage, 'candidatesTokenCount', reading, 'output_tokens')
  const isBroken = usage.candidatesTokenCount != null && candidates === undefined
  setFigures(
    reading,
    {
      input: figure(usage, 'promptTokenCount', reading, 'input_tokens'),
      output: isBroken ? undefined : (candidates ?? 0),
      toolUse: figure(usage, 'toolUsePromptTokenCount', reading, 'input_tokens'),
      cacheRead: figure(usage, 'cachedContentTokenCount', reading, 'cache_read_tokens'),
      reasoning: figure(usage, 'thoughtsTokenCount', reading, 'reasoning_tokens'),
      total: figure(usage, 'totalTokenCount', reading, 'total_tokens'),
      extras: mediaOfLists(usage, lists, reading),
    },
    { cache: 'inside', reasoning: 'outside' },
  )
  reading.service_tier =
    name(usage.serviceTier, 64) ?? name(usage.trafficType, 64) ?? reading.service_tier
  if (isFinished) reading.output_is_final = reading.tokens.output_tokens !== undefined
}

function readCandidate(candidate: JsonObject, reading: Reading): void {
  const content = objectAt(candidate, 'content')
  if (!content) return
  for (const part of arrayAt(content, 'parts')) {
    if (!isObject(part)) continue
    addText(reading, part.text)
    const call = objectAt(part, 'functionCall')
    if (!call) continue
    addText(reading, call.name)
    addJson(reading, call.args)
  }
}
