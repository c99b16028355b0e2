import { setFigures } from '../figures.js'
import { arrayAt, isObject, objectAt, stringAt, type JsonObject } from '../json.js'
import { addJson, addText, figure, name, sayModel, sayProvider, type Reading } from '../reading.js'
import type { Reader } from './reader.js'

/**
 * Bedrock Converse, whole, and ConverseStream's events (`messageStart` … `metadata`), also what
 * Amazon Nova answers to InvokeModel. Cache is reported beside inputTokens and added here. The model
 * is in the URL only, or in the trace of a prompt router.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
 */
export const bedrockConverse: Reader = {
  name: 'bedrock-converse',
  read(payload, reading) {
    sayProvider(reading, 'bedrock')
    readException(payload, reading)
    const delta = objectAt(payload, 'contentBlockDelta')
    const start = objectAt(payload, 'contentBlockStart')
    if (delta) readBlock(objectAt(delta, 'delta') ?? {}, reading)
    else if (start) readBlock(objectAt(start, 'start') ?? {}, reading)
    else {
      const message = objectAt(objectAt(payload, 'output') ?? {}, 'message')
      for (const block of message ? arrayAt(message, 'content') : []) {
        if (isObject(block)) readBlock(block, reading)
      }
      const facts = objectAt(payload, 'metadata') ?? payload
      readTier(facts, reading)
      const usage = objectAt(facts, 'usage')
      if (usage) readBedrockUsage(usage, reading)
    }
    return true
  },
}

/** Folds a Bedrock `usage` object; Nova's InvokeModel spells the cache figures longer. */
export function readBedrockUsage(usage: JsonObject, reading: Reading): void {
  setFigures(
    reading,
    {
      input: figure(usage, 'inputTokens', reading, 'input_tokens'),
      output: figure(usage, 'outputTokens', reading, 'output_tokens'),
      cacheRead:
        figure(usage, 'cacheReadInputTokens', reading, 'cache_read_tokens') ??
        figure(usage, 'cacheReadInputTokenCount', reading, 'cache_read_tokens'),
      cacheWrite:
        figure(usage, 'cacheWriteInputTokens', reading, 'cache_write_tokens') ??
        figure(usage, 'cacheWriteInputTokenCount', reading, 'cache_write_tokens'),
      cacheWrite1h: hourWrites(usage, reading),
      total: figure(usage, 'totalTokens', reading, 'total_tokens'),
    },
    { cache: 'beside', reasoning: 'inside' },
  )
  reading.output_is_final = reading.tokens.output_tokens !== undefined
}

function hourWrites(usage: JsonObject, reading: Reading): number | undefined {
  for (const detail of arrayAt(usage, 'cacheDetails')) {
    if (isObject(detail) && detail.ttl === '1h') {
      return figure(detail, 'inputTokens', reading, 'cache_write_1h_tokens')
    }
  }
  return undefined
}

function readTier(facts: JsonObject, reading: Reading): void {
  const tier = objectAt(facts, 'serviceTier')
  reading.service_tier = name(tier?.type, 64) ?? reading.service_tier
  const router = objectAt(objectAt(facts, 'trace') ?? {}, 'promptRouter')
  if (router) sayModel(reading, stringAt(router, 'invokedModelId'))
}

function readBlock(block: JsonObject, reading: Reading): void {
  addText(reading, block.text)
  const reasoning = objectAt(block, 'reasoningContent')
  if (reasoning) addText(reading, objectAt(reasoning, 'reasoningText')?.text ?? reasoning.text)
  const tool = objectAt(block, 'toolUse')
  if (!tool) return
  addText(reading, tool.name)
  addText(reading, tool.input)
  addJson(reading, tool.input)
}

const exceptions = [
  'internalServerException',
  'modelStreamErrorException',
  'modelTimeoutException',
  'serviceUnavailableException',
  'throttlingException',
  'validationException',
]

/** Exceptions that ConverseStream and InvokeModel put into the stream. */
function readException(payload: JsonObject, reading: Reading): void {
  for (const exception of exceptions) {
    if (payload[exception] !== undefined) reading.error_type ??= exception
  }
}
