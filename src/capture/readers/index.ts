import { isObject, type Json } from '../json.js'
import { errorType, type Reading } from '../reading.js'
import { anthropic } from './anthropic.js'
import { embeddedUsage } from './embedded-usage.js'
import { openAiChat } from './openai-chat.js'
import { openAiResponses } from './openai-responses.js'
import type { Reader } from './reader.js'

/** In order of how sure they are: exact formats first, the host's own answer last. */
export const readers: readonly Reader[] = [openAiChat, openAiResponses, anthropic, embeddedUsage]

/** Folds one payload (a body, or one event of a stream) into `reading`. */
export function readPayload(payload: Json, reading: Reading): void {
  if (!isObject(payload)) return
  if (payload.error != null && payload.error !== false)
    reading.error_type ??= errorType(payload.error)
  else if (payload.type === 'error') {
    // OpenAI Responses put the code beside `type: "error"`.
    reading.error_type ??= errorType({ type: payload.code })
  }
  for (const reader of readers) if (reader.read(payload, reading)) return
}
