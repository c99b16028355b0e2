import { setFigures } from '../figures.js'
import { arrayAt, isObject, objectAt, stringAt, type JsonObject } from '../json.js'
import {
  addJson,
  addText,
  errorType,
  figure,
  name,
  sayModel,
  sayProvider,
  type Reading,
  unnamedError,
} from '../reading.js'
import { mediaOfLists } from './media.js'
import type { Reader } from './reader.js'

/**
 * Gemini's Interactions API, whole (`object: "interaction"`) or as stream events (`event_type`), in
 * its present form (steps) and the one before (outputs). Thoughts and tool use stand beside, as in
 * generateContent.
 * https://ai.google.dev/gemini-api/docs/interactions
 */
export const geminiInteractions: Reader = {
  name: 'gemini-interactions',
  read(payload, reading) {
    const interaction = objectAt(payload, 'interaction') ?? payload
    const error = objectAt(payload, 'error')
    if (error) reading.error_type ??= errorType(error)
    sayProvider(reading, 'google')
    const event = stringAt(payload, 'event_type')
    readInteraction(interaction, reading, event?.startsWith('interaction.complete') ?? true)
    const delta = objectAt(payload, 'delta')
    if (delta) readDelta(delta, reading)
    const soFar = objectAt(objectAt(payload, 'metadata') ?? {}, 'total_usage')
    if (soFar) readInteractionUsage(soFar, reading, false)
    return true
  },
}

function readInteraction(interaction: JsonObject, reading: Reading, isFinal: boolean): void {
  sayModel(reading, interaction.model)
  if (interaction.object === 'interaction') reading.generation_id ??= name(interaction.id)
  reading.service_tier = name(interaction.service_tier, 64) ?? reading.service_tier
  if (interaction.status === 'failed') reading.error_type ??= unnamedError
  // A completed stream repeats its steps, or leaves them out.
  if (reading.text_length === 0) {
    for (const key of ['steps', 'outputs']) {
      for (const step of arrayAt(interaction, key)) if (isObject(step)) readStep(step, reading)
    }
  }
  const usage = objectAt(interaction, 'usage')
  if (usage) readInteractionUsage(usage, reading, isFinal)
}

const lists = {
  sent: ['input_tokens_by_modality', 'tool_use_tokens_by_modality'],
  produced: 'output_tokens_by_modality',
  cached: 'cached_tokens_by_modality',
  count: 'tokens',
} as const

/** Folds the `usage` of an interaction. */
export function readInteractionUsage(usage: JsonObject, reading: Reading, isFinal = true): void {
  const output = figure(usage, 'total_output_tokens', reading, 'output_tokens')
  const isBroken = usage.total_output_tokens != null && output === undefined
  setFigures(
    reading,
    {
      input: figure(usage, 'total_input_tokens', reading, 'input_tokens'),
      output: isBroken ? undefined : (output ?? 0),
      toolUse: figure(usage, 'total_tool_use_tokens', reading, 'input_tokens'),
      cacheRead: figure(usage, 'total_cached_tokens', reading, 'cache_read_tokens'),
      reasoning:
        figure(usage, 'total_thought_tokens', reading, 'reasoning_tokens') ??
        figure(usage, 'total_reasoning_tokens', reading, 'reasoning_tokens'),
      total: figure(usage, 'total_tokens', reading, 'total_tokens'),
      extras: mediaOfLists(usage, lists, reading),
    },
    { cache: 'inside', reasoning: 'outside' },
  )
  if (isFinal) reading.output_is_final = reading.tokens.output_tokens !== undefined
}

function readStep(step: JsonObject, reading: Reading): void {
  if (step.type === 'user_input') return
  addText(reading, step.text)
  addText(reading, step.name)
  addJson(reading, step.arguments)
  for (const key of ['content', 'summary']) {
    for (const part of arrayAt(step, key)) if (isObject(part)) addText(reading, part.text)
  }
}

function readDelta(delta: JsonObject, reading: Reading): void {
  addText(reading, delta.text)
  addText(reading, delta.arguments)
  const content = objectAt(delta, 'content')
  if (content) addText(reading, content.text)
}
