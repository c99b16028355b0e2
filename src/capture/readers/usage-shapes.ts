import { isObject, type JsonObject } from '../json.js'
import { sayProvider, type Reading } from '../reading.js'
import { isAiSdkUsage, readAiSdkUsage } from './ai-sdk-usage.js'
import { readAnthropicUsage } from './anthropic-usage.js'
import { readBedrockUsage } from './bedrock-converse.js'
import { readCohereUsage } from './cohere.js'
import { providerOfUsage } from './compatible.js'
import { readGeminiUsage } from './gemini.js'
import { readInteractionUsage } from './gemini-interactions.js'
import { readLangchainUsage } from './langchain.js'
import { readOllamaUsage } from './ollama.js'
import { readChatUsage } from './openai-chat.js'
import { readResponsesUsage } from './openai-responses.js'

/** A whole usage object that stands without its payload: its own keys tell whose form it has. */
export function readAnyUsage(usage: JsonObject, reading: Reading): void {
  sayProvider(reading, providerOfUsage(usage), true)
  if ('prompt_tokens' in usage || 'completion_tokens' in usage) readChatUsage(usage, reading)
  else if ('promptTokenCount' in usage) readGeminiUsage(usage, reading)
  else if ('total_input_tokens' in usage) readInteractionUsage(usage, reading)
  else if ('billed_units' in usage || isObject(usage.tokens)) readCohereUsage(usage, reading)
  else if (isAnthropic(usage)) {
    readAnthropicUsage(usage, reading)
    reading.output_is_final = reading.tokens.output_tokens !== undefined
  } else if (isLangchainUsage(usage)) readLangchainUsage(usage, reading)
  else if (isBedrockUsage(usage)) readBedrockUsage(usage, reading)
  else if (isAiSdkUsage(usage)) readAiSdkUsage(usage, reading)
  else if ('prompt_eval_count' in usage) readOllamaUsage(usage, reading)
  else readResponsesUsage(usage, reading)
}

/** Only where cache figures tell them apart: without any, the forms mean the same. */
function isAnthropic(usage: JsonObject): boolean {
  return 'cache_read_input_tokens' in usage || 'cache_creation_input_tokens' in usage
}

/** OpenAI's transcriptions and Realtime call their details so too. */
function isLangchainUsage({ input_token_details: details }: JsonObject): boolean {
  return details !== undefined && !(isObject(details) && Object.keys(details).some(isOpenAi))
}

function isOpenAi(detail: string): boolean {
  return detail.endsWith('_tokens')
}

export function isBedrockUsage(usage: JsonObject): boolean {
  return (
    'cacheReadInputTokens' in usage ||
    'cacheWriteInputTokens' in usage ||
    'cacheReadInputTokenCount' in usage
  )
}
