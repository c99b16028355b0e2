import { arrayAt, isObject, objectAt, stringAt, type JsonObject } from '../json.js'
import { addText, figure, name, type Reading } from '../reading.js'
import type { Reader } from './reader.js'

/**
 * OpenAI Chat Completions and the legacy completions, whole or as stream chunks.
 * Cache is inside prompt_tokens, reasoning inside completion_tokens; the figures come last in a
 * stream, with empty `choices`, and only when `stream_options.include_usage` was asked for.
 * https://platform.openai.com/docs/api-reference/chat/object
 */
export const openAiChat: Reader = {
  name: 'openai-chat',
  read(payload, reading) {
    const object = payload.object
    if (
      object !== 'chat.completion' &&
      object !== 'chat.completion.chunk' &&
      object !== 'text_completion'
    ) {
      return false
    }
    reading.provider ??= 'openai'
    reading.model = name(payload.model) ?? reading.model
    reading.generation_id ??= name(payload.id)
    for (const choice of arrayAt(payload, 'choices'))
      if (isObject(choice)) readChoice(choice, reading)
    const usage = objectAt(payload, 'usage')
    if (usage) readChatUsage(usage, reading)
    return true
  },
}

/** Folds an OpenAI chat `usage` object; the last one of a stream wins. */
export function readChatUsage(usage: JsonObject, reading: Reading): void {
  const prompt = objectAt(usage, 'prompt_tokens_details')
  const completion = objectAt(usage, 'completion_tokens_details')
  const input = figure(usage, 'prompt_tokens', reading)
  const output = figure(usage, 'completion_tokens', reading)
  if (input === undefined && output === undefined) return
  reading.tokens = {
    ...(input !== undefined && { input_tokens: input }),
    output_tokens: output ?? 0,
    cache_read_tokens: figure(prompt, 'cached_tokens', reading) ?? 0,
    cache_write_tokens: 0,
    reasoning_tokens: figure(completion, 'reasoning_tokens', reading) ?? 0,
  }
  reading.output_is_final = true
}

function readChoice(choice: JsonObject, reading: Reading): void {
  const message = objectAt(choice, 'delta') ?? objectAt(choice, 'message')
  if (!message) {
    addText(reading, choice.text)
    return
  }
  addText(reading, message.reasoning_content)
  addText(reading, message.content)
  addText(reading, message.refusal)
  for (const call of arrayAt(message, 'tool_calls')) {
    const fn = isObject(call) ? objectAt(call, 'function') : undefined
    if (!fn) continue
    addText(reading, stringAt(fn, 'name'))
    addText(reading, stringAt(fn, 'arguments'))
  }
}
