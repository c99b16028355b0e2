import { sayAnswer } from '../answers.js'
import { setFigures } from '../figures.js'
import { arrayAt, isObject, objectAt, stringAt, type Json, type JsonObject } from '../json.js'
import { providerOfModel } from '../provider-of-model.js'
import { addText, figure, name, sayModel, sayProvider, type Reading } from '../reading.js'
import { compatibleProvider, readCost } from './compatible.js'
import { mediaOfDetails } from './media.js'
import type { Reader } from './reader.js'

/**
 * OpenAI Chat Completions and the legacy completions, whole or as stream chunks, and those who speak
 * the same: Azure (its first chunk has neither choices nor an `object`), Mistral, Groq, DeepSeek,
 * xAI, OpenRouter, Ollama's and others' compatible endpoints. Cache is inside prompt_tokens,
 * reasoning inside completion_tokens (but xAI's), searches beside both (Perplexity); the figures come
 * last in a stream, with empty `choices`, and only when `stream_options.include_usage` was asked for.
 * https://platform.openai.com/docs/api-reference/chat/object
 */
export const openAiChat: Reader = {
  name: 'openai-chat',
  read(payload, reading) {
    sayModel(reading, payload.model)
    const choices = arrayAt(payload, 'choices')
    const usage = objectAt(payload, 'usage') ?? groqUsage(payload)
    sayAnswer(reading, payload.id, isLast(choices, usage))
    sayProvider(reading, compatibleProvider(payload, choices, usage), true)
    if (reading.provider === undefined && reading.text_length === 0) {
      sayProvider(reading, providerOfModel(reading.model))
    }
    reading.service_tier = name(payload.service_tier, 64) ?? reading.service_tier
    for (const choice of choices) if (isObject(choice)) readChoice(choice, reading)
    if (usage) readChatUsage(usage, reading)
    return true
  },
}

/** A whole answer, or the chunk with the figures that comes after all choices. */
function isLast(choices: readonly Json[], usage: JsonObject | undefined): boolean {
  if (usage === undefined) return false
  const [choice] = choices
  return choices.length === 0 || (isObject(choice) && choice.message !== undefined)
}

/** Groq's streams repeat the usage, or give it only, here. */
function groqUsage(payload: JsonObject): JsonObject | undefined {
  const groq = objectAt(payload, 'x_groq')
  return groq && objectAt(groq, 'usage')
}

/** Folds an OpenAI chat `usage` object; the last one of a stream wins. */
export function readChatUsage(usage: JsonObject, reading: Reading): void {
  const prompt = objectAt(usage, 'prompt_tokens_details') ?? objectAt(usage, 'prompt_token_details')
  const completion = objectAt(usage, 'completion_tokens_details')
  const input = figure(usage, 'prompt_tokens', reading, 'input_tokens')
  const output = figure(usage, 'completion_tokens', reading, 'output_tokens')
  readCost(usage, reading)
  if (input === undefined && output === undefined) return
  // Embeddings have no completion; one that is there and broken must be counted.
  const isBroken = usage.completion_tokens != null && output === undefined
  setFigures(
    reading,
    {
      input,
      output: isBroken ? undefined : (output ?? 0),
      cacheRead:
        figure(prompt, 'cached_tokens', reading, 'cache_read_tokens') ??
        figure(usage, 'prompt_cache_hit_tokens', reading, 'cache_read_tokens') ??
        figure(usage, 'cached_tokens', reading, 'cache_read_tokens') ??
        figure(usage, 'num_cached_tokens', reading, 'cache_read_tokens'),
      cacheWrite: figure(prompt, 'cache_write_tokens', reading, 'cache_write_tokens'),
      reasoning:
        figure(completion, 'reasoning_tokens', reading, 'reasoning_tokens') ??
        (reading.provider === 'google' ? unlisted(usage) : undefined),
      total: figure(usage, 'total_tokens', reading, 'total_tokens'),
      extras: {
        ...mediaOfDetails(prompt, completion, reading),
        web_searches:
          figure(usage, 'num_search_queries', reading, 'web_searches') ??
          figure(
            objectAt(usage, 'server_tool_use'),
            'web_search_requests',
            reading,
            'web_searches',
          ),
      },
    },
    { cache: 'inside', reasoning: reading.provider === 'xai' ? 'outside' : 'inside' },
  )
  reading.service_tier = name(usage.service_tier, 64) ?? reading.service_tier
  reading.output_is_final = reading.tokens.output_tokens !== undefined
}

/** Gemini's compatible endpoint has its thoughts in the total only. */
function unlisted({ prompt_tokens, completion_tokens, total_tokens }: JsonObject) {
  const figures = [prompt_tokens, completion_tokens, total_tokens].map(Number)
  const [input = NaN, output = NaN, total = NaN] = figures
  return total > input + output ? total - input - output : undefined
}

function readChoice(choice: JsonObject, reading: Reading): void {
  const message = objectAt(choice, 'delta') ?? objectAt(choice, 'message')
  if (!message) {
    addText(reading, choice.text)
    return
  }
  addText(reading, message.reasoning_content ?? message.reasoning)
  readContent(message.content, reading)
  addText(reading, message.refusal)
  for (const call of arrayAt(message, 'tool_calls')) {
    const fn = isObject(call) ? objectAt(call, 'function') : undefined
    if (!fn) continue
    addText(reading, stringAt(fn, 'name'))
    addText(reading, stringAt(fn, 'arguments'))
  }
}

/** Text, or Mistral's list of parts: `{ type: 'thinking', thinking: [...] }`, `{ type: 'text', text }`. */
function readContent(content: Json | undefined, reading: Reading): void {
  if (!Array.isArray(content)) {
    addText(reading, content)
    return
  }
  for (const part of content) {
    if (!isObject(part)) continue
    addText(reading, part.text)
    for (const thought of arrayAt(part, 'thinking')) {
      if (isObject(thought)) addText(reading, thought.text)
    }
  }
}
