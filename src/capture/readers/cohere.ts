import { setFigures } from '../figures.js'
import { arrayAt, isObject, objectAt, type JsonObject } from '../json.js'
import { addText, figure, name, sayProvider, type Reading } from '../reading.js'
import type { Reader } from './reader.js'

/**
 * Cohere Chat v2, whole or as stream events (`message-start` … `message-end`), Embed, and v1's chat
 * (`meta`, `stream-end`). `usage.tokens` is what the model saw, `billed_units` what is charged (no
 * framing); the model is in the request only.
 * https://docs.cohere.com/reference/chat
 */
export const cohere: Reader = {
  name: 'cohere',
  read(payload, reading) {
    const delta = objectAt(payload, 'delta')
    const ended = objectAt(payload, 'response') ?? payload
    const usage = objectAt(delta ?? payload, 'usage') ?? objectAt(ended, 'meta')
    sayProvider(reading, 'cohere')
    reading.generation_id ??= name(payload.id ?? payload.generation_id)
    const message = objectAt(delta ?? payload, 'message')
    if (message) readMessage(message, reading)
    if (payload.event_type !== 'stream-end') addText(reading, payload.text)
    if (usage) readCohereUsage(usage, reading)
    return true
  },
}

/** Folds a Cohere `usage` (v2) or `meta` (v1) object. */
export function readCohereUsage(usage: JsonObject, reading: Reading): void {
  const billed = objectAt(usage, 'billed_units')
  const tokens = objectAt(usage, 'tokens') ?? billed
  if (!tokens) return
  const input = figure(tokens, 'input_tokens', reading, 'input_tokens')
  const output = figure(tokens, 'output_tokens', reading, 'output_tokens')
  if (input === undefined && output === undefined) return
  const isBroken = tokens.output_tokens != null && output === undefined
  setFigures(
    reading,
    {
      input,
      output: isBroken ? undefined : (output ?? 0),
      cacheRead: figure(usage, 'cached_tokens', reading, 'cache_read_tokens'),
    },
    { cache: 'inside', reasoning: 'inside' },
  )
  reading.output_is_final = reading.tokens.output_tokens !== undefined
  const billedInput = figure(billed, 'input_tokens', reading, 'input_tokens')
  const billedOutput = figure(billed, 'output_tokens', reading, 'output_tokens')
  if (billedInput === undefined && billedOutput === undefined) return
  reading.billed = {
    ...(billedInput !== undefined && { input_tokens: billedInput }),
    ...(billedOutput !== undefined && { output_tokens: billedOutput }),
  }
}

/** A whole message has lists, a stream's delta one part at a time. */
function readMessage(message: JsonObject, reading: Reading): void {
  const content = objectAt(message, 'content')
  for (const part of content ? [content] : arrayAt(message, 'content')) {
    if (!isObject(part)) continue
    addText(reading, part.thinking)
    addText(reading, part.text)
  }
  addText(reading, message.tool_plan)
  const call = objectAt(message, 'tool_calls')
  for (const one of call ? [call] : arrayAt(message, 'tool_calls')) {
    const fn = isObject(one) ? objectAt(one, 'function') : undefined
    if (!fn) continue
    addText(reading, fn.name)
    addText(reading, fn.arguments)
  }
}
