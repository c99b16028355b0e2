import { setFigures, type Counted } from '../figures.js'
import { arrayAt, isObject, objectAt, type JsonObject } from '../json.js'
import { addText, figure, sayProvider, type Reading } from '../reading.js'
import type { Reader } from './reader.js'

/**
 * What models that only Bedrock serves answer to InvokeModel, whole or as chunks of its stream: Meta
 * Llama, Amazon Titan text and embeddings, Mistral's and Cohere's text, AI21's. Others answer in
 * their makers' formats, whose readers read them.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
 */
export const bedrockInvoke: Reader = {
  name: 'bedrock-invoke',
  read(payload, reading) {
    addText(reading, payload.generation)
    addText(reading, payload.outputText)
    readLists(payload, reading)
    if ('generation_token_count' in payload) readLlama(payload, reading)
    else if ('inputTextTokenCount' in payload) readTitan(payload, reading)
    return true
  },
}

/** Stream chunks tell the prompt's count once and the generation's so far; the last ends the count. */
function readLlama(payload: JsonObject, reading: Reading): void {
  sayProvider(reading, 'bedrock')
  const before = reading.tokens
  const input = figure(payload, 'prompt_token_count', reading, 'input_tokens')
  const output = figure(payload, 'generation_token_count', reading, 'output_tokens')
  if (input === undefined && output === undefined) return
  set(reading, { input: input ?? before.input_tokens, output: output ?? before.output_tokens })
  if (typeof payload.stop_reason === 'string') {
    reading.output_is_final = reading.tokens.output_tokens !== undefined
  }
}

function readTitan(payload: JsonObject, reading: Reading): void {
  sayProvider(reading, 'bedrock')
  const before = reading.tokens
  const input = figure(payload, 'inputTextTokenCount', reading, 'input_tokens')
  const isEmbedding = 'embedding' in payload || 'embeddingsByType' in payload
  let output = isEmbedding
    ? 0
    : figure(payload, 'totalOutputTextTokenCount', reading, 'output_tokens')
  for (const result of arrayAt(payload, 'results')) {
    if (!isObject(result)) continue
    const count = figure(result, 'tokenCount', reading, 'output_tokens')
    if (count !== undefined) output = (output ?? 0) + count
  }
  set(reading, { input: input ?? before.input_tokens, output })
  const isDone = payload.results !== undefined || typeof payload.completionReason === 'string'
  if (isDone || isEmbedding) reading.output_is_final = reading.tokens.output_tokens !== undefined
}

/** The texts of `results` (Titan), `outputs` (Mistral), `generations` (Cohere), `completions` (AI21). */
function readLists(payload: JsonObject, reading: Reading): void {
  for (const key of ['results', 'outputs', 'generations', 'completions']) {
    for (const item of arrayAt(payload, key)) {
      if (!isObject(item)) continue
      addText(reading, item.outputText ?? item.text ?? objectAt(item, 'data')?.text)
    }
  }
}

function set(reading: Reading, counted: Counted): void {
  setFigures(reading, counted, { cache: 'inside', reasoning: 'inside' })
}

/** What Bedrock adds to the last chunk of any InvokeModel stream. */
export const invocationMetrics = 'amazon-bedrock-invocationMetrics'

/** Takes Bedrock's own counts, unless the model's format has told more already. */
export function readInvocationMetrics(payload: JsonObject, reading: Reading): void {
  const metrics = objectAt(payload, invocationMetrics)
  if (!metrics) return
  sayProvider(reading, 'bedrock', true)
  readBeside(reading, {
    input: figure(metrics, 'inputTokenCount', reading, 'input_tokens'),
    output: figure(metrics, 'outputTokenCount', reading, 'output_tokens'),
    cacheRead: figure(metrics, 'cacheReadInputTokenCount', reading, 'cache_read_tokens'),
    cacheWrite: figure(metrics, 'cacheWriteInputTokenCount', reading, 'cache_write_tokens'),
  })
}

/** The same counts from the headers of an InvokeModel response (`x-amzn-bedrock-*-token-count`). */
export function readInvocationHeaders(
  header: (name: string) => string | undefined,
  reading: Reading,
): void {
  const count = (
    what: string,
    field: 'input_tokens' | 'output_tokens' | 'cache_read_tokens' | 'cache_write_tokens',
  ) => {
    const value = header(`x-amzn-bedrock-${what}-token-count`)
    if (value === undefined) return undefined
    return figure({ value: /^\d+$/.test(value) ? Number(value) : value }, 'value', reading, field)
  }
  const input = count('input', 'input_tokens')
  const output = count('output', 'output_tokens')
  if (input === undefined && output === undefined) return
  sayProvider(reading, 'bedrock', true)
  readBeside(reading, {
    input,
    output: output ?? 0,
    cacheRead: count('cache-read-input', 'cache_read_tokens'),
    cacheWrite: count('cache-write-input', 'cache_write_tokens'),
  })
}

function readBeside(reading: Reading, counted: Counted): void {
  const { tokens, output_is_final } = reading
  if (output_is_final && tokens.input_tokens !== undefined) return
  if (counted.input === undefined || counted.output === undefined) return
  setFigures(reading, counted, { cache: 'beside', reasoning: 'inside' })
  reading.output_is_final = true
}
