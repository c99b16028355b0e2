import { add, joinFigures, setFigures } from '../figures.js'
import { isObject, objectAt, type Json, type JsonObject } from '../json.js'
import { figure, type Reading } from '../reading.js'

/** Whether an object has the SDK's names for usage (v4's, v5's or those of an embedding). */
export function isAiSdkUsage(usage: JsonObject): boolean {
  return 'inputTokens' in usage || 'promptTokens' in usage || 'tokens' in usage
}

/** Folds a `LanguageModelUsage` or `EmbeddingModelUsage`; NaN arrives as null and is no figure. */
export function readAiSdkUsage(usage: JsonObject, reading: Reading): void {
  const sent = objectAt(usage, 'inputTokens') ?? objectAt(usage, 'inputTokenDetails')
  const produced = objectAt(usage, 'outputTokens') ?? objectAt(usage, 'outputTokenDetails')
  const input = firstFigure(
    usage,
    ['inputTokens', 'promptTokens', 'tokens'],
    reading,
    'input_tokens',
  )
  const output = firstFigure(usage, ['outputTokens', 'completionTokens'], reading, 'output_tokens')
  if (input === undefined && output === undefined) return
  setFigures(
    reading,
    {
      input,
      output: output ?? (typeof usage.tokens === 'number' ? 0 : undefined),
      cacheRead:
        firstFigure(sent, ['cacheReadTokens', 'cacheRead'], reading, 'cache_read_tokens') ??
        figure(usage, 'cachedInputTokens', reading, 'cache_read_tokens'),
      cacheWrite: firstFigure(
        sent,
        ['cacheWriteTokens', 'cacheWrite'],
        reading,
        'cache_write_tokens',
      ),
      reasoning:
        firstFigure(produced, ['reasoningTokens', 'reasoning'], reading, 'reasoning_tokens') ??
        figure(usage, 'reasoningTokens', reading, 'reasoning_tokens'),
      total: figure(usage, 'totalTokens', reading, 'total_tokens'),
    },
    { cache: 'inside', reasoning: 'inside' },
  )
  reading.output_is_final = reading.tokens.output_tokens !== undefined
}

/** The figure under the first of these names that is there; an object has it as its `total`. */
function firstFigure(
  usage: JsonObject | undefined,
  keys: readonly string[],
  reading: Reading,
  field: Parameters<typeof figure>[3],
): number | undefined {
  for (const key of keys) {
    const value: Json | undefined = usage?.[key]
    if (value == null) continue
    return isObject(value)
      ? figure(value, 'total', reading, field)
      : figure(usage, key, reading, field)
  }
  return undefined
}

/** A step's figures on top of those before: they stand until the total comes. */
export function addStepUsage(usage: JsonObject, reading: Reading): void {
  const before = reading.tokens
  readAiSdkUsage(usage, reading)
  if (reading.tokens === before) return
  reading.tokens = joinFigures(before, reading.tokens, add)
  reading.output_is_final = false
}
