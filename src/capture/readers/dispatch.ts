import { arrayAt, isObject, objectAt, type JsonObject } from '../json.js'
import { aiSdk } from './ai-sdk.js'
import { isAiSdkUsage } from './ai-sdk-usage.js'
import { anthropic } from './anthropic.js'
import { bedrockConverse } from './bedrock-converse.js'
import { bedrockInvoke } from './bedrock-invoke.js'
import { cohere } from './cohere.js'
import { embeddedUsage } from './embedded-usage.js'
import { gemini } from './gemini.js'
import { geminiInteractions } from './gemini-interactions.js'
import { langchain } from './langchain.js'
import { ollama } from './ollama.js'
import { openAiChat } from './openai-chat.js'
import { openAiEmbeddings } from './openai-embeddings.js'
import { openAiResponses } from './openai-responses.js'
import type { Reader } from './reader.js'
import { isBedrockUsage } from './usage-shapes.js'

type Entry = readonly [string, Reader]
const each = (reader: Reader, ...names: string[]): Entry[] => names.map((name) => [name, reader])

/** By `object`, which OpenAI's formats carry. */
const byObject = new Map<string, Reader>([
  ...each(openAiChat, 'chat.completion', 'chat.completion.chunk', 'text_completion'),
  ...each(openAiResponses, 'response'),
  ...each(openAiEmbeddings, 'list'),
  ...each(geminiInteractions, 'interaction'),
])

/** By `type`, which the events of most streams carry. */
const byType = new Map<string, Reader>([
  ...each(anthropic, 'message', 'message_start', 'message_delta', 'message_stop', 'ping'),
  ...each(anthropic, 'content_block_start', 'content_block_delta', 'content_block_stop'),
  ...each(cohere, 'message-start', 'message-end', 'content-start', 'content-delta', 'content-end'),
  ...each(cohere, 'tool-plan-delta', 'tool-call-start', 'tool-call-delta', 'tool-call-end'),
  ...each(cohere, 'citation-start', 'citation-end'),
  ...each(aiSdk, 'start', 'start-step', 'finish-step', 'step-finish', 'finish', 'message-metadata'),
  ...each(aiSdk, 'stream-start', 'response-metadata'),
  ...each(aiSdk, 'text-start', 'text-delta', 'text-end', 'reasoning', 'reasoning-delta'),
  ...each(aiSdk, 'tool-input-start', 'tool-input-delta', 'tool-input-available'),
  ...each(langchain, 'constructor', 'ai', 'AIMessageChunk'),
])

/** By a key that no other format has at its top, tried in this order. */
const byKey: readonly Entry[] = [
  ...each(openAiChat, 'prompt_filter_results'),
  ...each(bedrockConverse, 'contentBlockDelta', 'messageStart', 'contentBlockStart'),
  ...each(bedrockConverse, 'contentBlockStop', 'messageStop'),
  ...each(bedrockInvoke, 'generation_token_count', 'inputTextTokenCount'),
  ...each(langchain, 'kwargs', 'usage_metadata', 'response_metadata'),
  ...each(aiSdk, 'totalUsage'),
]

/** The one reader that a payload is for, by a few keys: none is tried in vain. */
export function readerOf(payload: JsonObject): Reader {
  const { object, type, event_type: event } = payload
  if (typeof object === 'string') {
    const found = byObject.get(object)
    if (found) return found
  }
  if (typeof type === 'string') {
    const found = byType.get(type)
    if (found) return found
    if (type.startsWith('response.')) return openAiResponses
  }
  if (typeof event === 'string') return readerOfEvent(event, payload)
  for (const [key, reader] of byKey) if (payload[key] !== undefined) return reader
  return readerOfShape(payload)
}

/** Gemini's Interactions, Cohere v1 and LangChain's streamEvents name their events. */
function readerOfEvent(event: string, payload: JsonObject): Reader {
  if (/^(?:interaction|step|content)\./.test(event)) return geminiInteractions
  if (event === 'stream-end' || event === 'text-generation' || event === 'stream-start')
    return cohere
  return payload.interaction === undefined ? embeddedUsage : geminiInteractions
}

/** Formats that only a combination of keys gives away. */
function readerOfShape(payload: JsonObject): Reader {
  const { usage } = payload
  if (isGemini(payload)) return gemini
  if (typeof payload.created_at === 'string' && typeof payload.done === 'boolean') return ollama
  if ('total_duration' in payload && 'embeddings' in payload) return ollama
  if (Array.isArray(payload.choices)) return openAiChat
  if (isLangchain(payload)) return langchain
  if (isCohere(payload)) return cohere
  if (isBedrock(payload)) return bedrockConverse
  if (isObject(usage) && isAiSdkUsage(usage) && !isBedrockUsage(usage)) return aiSdk
  return isTextModel(payload) ? bedrockInvoke : embeddedUsage
}

function isGemini(payload: JsonObject): boolean {
  if (!Array.isArray(payload.candidates)) {
    return (
      isObject(payload.usageMetadata) && ('modelVersion' in payload || 'promptFeedback' in payload)
    )
  }
  const first = payload.candidates[0]
  return isObject(payload.usageMetadata) || (isObject(first) && isObject(first.content))
}

function isLangchain(payload: JsonObject): boolean {
  if (typeof payload.event === 'string' && payload.event.startsWith('on_')) return true
  const last = arrayAt(payload, 'messages').at(-1)
  return (
    isObject(last) && (last.lc === 1 || last.type === 'ai' || last.usage_metadata !== undefined)
  )
}

function isCohere(payload: JsonObject): boolean {
  const counts = objectAt(payload, 'usage') ?? objectAt(payload, 'meta')
  return counts !== undefined && (isObject(counts.billed_units) || isObject(counts.tokens))
}

/** A whole answer, a stream's last event, or the exceptions that it may end with. */
function isBedrock(payload: JsonObject): boolean {
  if ('stopReason' in payload && isObject(payload.output)) return true
  const usage = objectAt(objectAt(payload, 'metadata') ?? {}, 'usage')
  if (usage && 'inputTokens' in usage) return true
  return Object.keys(payload)[0]?.endsWith('Exception') === true
}

/** Mistral's and Cohere's text models on Bedrock. */
function isTextModel(payload: JsonObject): boolean {
  const [first] = [...arrayAt(payload, 'outputs'), ...arrayAt(payload, 'generations')]
  return isObject(first) && typeof first.text === 'string'
}
