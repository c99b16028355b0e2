import { arrayAt, isObject, objectAt, type Json, type JsonObject } from '../json.js'
import { providerOfAlias } from '../provider-of-model.js'
import { addText, sayModel, sayProvider, unnamedError, type Reading } from '../reading.js'
import { addStepUsage, isAiSdkUsage, readAiSdkUsage } from './ai-sdk-usage.js'
import type { Reader } from './reader.js'
import { readAnyUsage } from './usage-shapes.js'

/**
 * The Vercel AI SDK: what generateText, generateObject and embed answer (v4 to v6), and the events of
 * UI message streams and of fullStream. `totalUsage` is that of all steps, `usage` that of the last.
 * UI message streams carry usage only where the app puts it into `messageMetadata`. A framework is no
 * provider: only the model or the call tells that.
 * https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol
 */
export const aiSdk: Reader = {
  name: 'ai-sdk',
  read(payload, reading) {
    const type = payload.type
    if (typeof type === 'string') return readPart(type, payload, reading)
    const usage = objectAt(payload, 'totalUsage') ?? objectAt(payload, 'usage')
    if (!usage) return false
    for (const step of arrayAt(payload, 'steps')) if (isObject(step)) readStep(step, reading)
    if (payload.steps === undefined) readStep(payload, reading)
    readCall(payload, reading)
    readAiSdkUsage(usage, reading)
    return true
  },
}

/** One part of a stream; false for parts that a host's own protocol could have as well. */
function readPart(type: string, payload: JsonObject, reading: Reading): boolean {
  switch (type) {
    case 'text-delta':
    case 'reasoning-delta':
    case 'reasoning':
    case 'tool-input-delta':
    case 'tool-call-delta':
      addText(reading, payload.delta ?? payload.text ?? payload.textDelta ?? payload.inputTextDelta)
      return true
    case 'response-metadata':
      sayModel(reading, payload.modelId)
      return true
    case 'start':
    case 'finish':
    case 'message-metadata':
    case 'finish-step':
    case 'step-finish':
      return readFacts(type, payload, reading)
    default:
      return true
  }
}

function readFacts(type: string, payload: JsonObject, reading: Reading): boolean {
  readCall(payload, reading)
  const metadata = objectAt(payload, 'messageMetadata')
  if (metadata) readMetadata(metadata, reading)
  const usage = objectAt(payload, 'totalUsage') ?? objectAt(payload, 'usage')
  if (!usage) return true
  if (!isAiSdkUsage(usage)) return false
  if (type === 'finish') readAiSdkUsage(usage, reading)
  else addStepUsage(usage, reading)
  // A stream of several steps has told it step by step.
  if (type !== 'finish' || reading.cost_usd === undefined) readGateway(payload, reading)
  return true
}

/** What an app attaches is its own; these are the shapes that the SDK's documentation shows. */
function readMetadata(metadata: JsonObject, reading: Reading): void {
  sayModel(reading, metadata.model ?? metadata.modelId)
  sayProvider(reading, providerOfAlias(metadata.provider))
  const usage = objectAt(metadata, 'totalUsage') ?? objectAt(metadata, 'usage')
  if (usage) readAnyUsage(usage, reading)
  else if (isAiSdkUsage(metadata)) readAiSdkUsage(metadata, reading)
}

/** Which model answered, and through which of the SDK's providers. */
function readCall(payload: JsonObject, reading: Reading): void {
  const response = objectAt(payload, 'response')
  if (response) sayModel(reading, response.modelId)
  const model = objectAt(payload, 'model')
  if (!model) return
  sayProvider(reading, providerOfAlias(model.provider))
  if (response?.modelId === undefined) sayModel(reading, model.modelId)
}

/**
 * What Vercel's AI Gateway says beside the SDK's own: which model it was, and what it cost, US dollars as
 * text. Of a key of the caller's own that is nothing.
 * https://vercel.com/docs/ai-gateway
 */
function readGateway(payload: JsonObject, reading: Reading): void {
  const gateway = objectAt(objectAt(payload, 'providerMetadata') ?? {}, 'gateway')
  if (gateway === undefined) return
  const routing = objectAt(gateway, 'routing') ?? gateway
  if (reading.model === undefined)
    sayModel(reading, routing.canonicalSlug ?? routing.originalModelId)
  const cost = Number(gateway.cost)
  if (cost > 0) reading.cost_usd = (reading.cost_usd ?? 0) + cost
}

function readStep(step: JsonObject, reading: Reading): void {
  readCall(step, reading)
  readGateway(step, reading)
  addText(reading, step.text)
  for (const part of arrayAt(step, 'content')) if (isObject(part)) addText(reading, part.text)
}

/**
 * One line of a v4 data stream, `code:json`: text (`0`), reasoning (`g`), tool calls (`9`, `c`), an
 * error (`3`), the end of a step (`e`) and of the message with the total (`d`).
 */
export function readDataStreamPart(code: string, value: Json, reading: Reading): void {
  if (code === '0' || code === 'g') addText(reading, value)
  else if (code === '3') reading.error_type ??= unnamedError
  else if (isObject(value)) {
    if (code === 'c') addText(reading, value.argsTextDelta)
    else if (code === '9' && reading.text_length === 0) addText(reading, value.toolName)
    const usage = code === 'd' || code === 'e' ? objectAt(value, 'usage') : undefined
    if (usage && code === 'd') readAiSdkUsage(usage, reading)
    else if (usage) addStepUsage(usage, reading)
  }
}
