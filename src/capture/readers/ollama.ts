import { setFigures } from '../figures.js'
import { arrayAt, isObject, objectAt, type JsonObject } from '../json.js'
import { addJson, addText, figure, sayModel, sayProvider, type Reading } from '../reading.js'
import type { Reader } from './reader.js'

/**
 * Ollama's chat, generate and embed, whole or as NDJSON. The figures come with `done: true`.
 * `prompt_eval_count` may be missing when the prompt was cached: that is unknown, not 0.
 * https://github.com/ollama/ollama/blob/main/docs/api.md
 */
export const ollama: Reader = {
  name: 'ollama',
  read(payload, reading) {
    sayProvider(reading, 'ollama')
    sayModel(reading, payload.model)
    const message = objectAt(payload, 'message')
    if (message) readMessage(message, reading)
    addText(reading, payload.thinking)
    addText(reading, payload.response)
    const isEmbedding = arrayAt(payload, 'embeddings').length > 0
    if (payload.done === true || isEmbedding) readOllamaUsage(payload, reading)
    return true
  },
}

/** Folds the counters that Ollama puts beside its answer. */
export function readOllamaUsage(counters: JsonObject, reading: Reading): void {
  const output = figure(counters, 'eval_count', reading, 'output_tokens')
  // Left out when nothing was generated (an embedding, a model that was only loaded).
  const isNone = counters.eval_count == null && reading.text_length === 0
  setFigures(
    reading,
    {
      input: figure(counters, 'prompt_eval_count', reading, 'input_tokens'),
      output: isNone ? 0 : output,
    },
    { cache: 'inside', reasoning: 'inside' },
  )
  reading.output_is_final = reading.tokens.output_tokens !== undefined
}

function readMessage(message: JsonObject, reading: Reading): void {
  addText(reading, message.thinking)
  addText(reading, message.content)
  for (const call of arrayAt(message, 'tool_calls')) {
    const fn = isObject(call) ? objectAt(call, 'function') : undefined
    if (!fn) continue
    addText(reading, fn.name)
    addJson(reading, fn.arguments)
  }
}
