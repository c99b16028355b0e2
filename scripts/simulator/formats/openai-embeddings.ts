import * as z from 'zod'
import type { Format } from '../format.js'
import { randomId, seededRandom, seedOf } from '../random.js'
import { countTokens } from '../tokens.js'
import { parseBody } from './content.js'
import { openaiDialect } from './openai-dialect.js'

const tokenIds = z.array(z.int().min(0)).min(1).max(8192)

const embeddingsBody = z.looseObject({
  model: z.string(),
  input: z.union([
    z.string().min(1),
    z.array(z.string().min(1)).min(1).max(2048),
    tokenIds,
    z.array(tokenIds).min(1).max(2048),
  ]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().min(1).max(3072).nullish(),
})

type Input = z.infer<typeof embeddingsBody>['input']

export const openaiEmbeddings: Format = {
  method: 'POST',
  path: '/v1/embeddings',
  dialect: openaiDialect,
  plan: ({ body }, inference) => {
    const asked = parseBody(embeddingsBody, body)
    const model = inference.model('openai', asked.model, 'embedding')
    const inputs = inputsOf(asked.input)
    const inputTokens = inputs.reduce((sum, { tokens }) => sum + tokens, 0)
    const data = inputs.map(({ text }, index) => {
      const vector = vectorOf(text, asked.dimensions ?? model.dimensions)
      const embedding = asked.encoding_format === 'base64' ? base64Of(vector) : [...vector]
      return { object: 'embedding', index, embedding }
    })
    const usage = { prompt_tokens: inputTokens, total_tokens: inputTokens }
    return {
      kind: 'billed',
      id: randomId('embd-'),
      model: model.id,
      stream: false,
      usage: {
        input_tokens: inputTokens,
        output_tokens: 0,
        cache_read_tokens: 0,
        cache_write_tokens: 0,
        reasoning_tokens: 0,
      },
      steps: [0],
      json: (options) => ({
        object: 'list',
        data,
        model: model.id,
        ...(options.usage && { usage }),
      }),
      frames: () => [],
      failureFrame: () => '',
    }
  },
}

function inputsOf(input: Input): { text: string; tokens: number }[] {
  if (typeof input === 'string') return [{ text: input, tokens: countTokens(input) }]
  if (isTokenIds(input)) return [{ text: input.join(' '), tokens: input.length }]
  return input.map((each) =>
    typeof each === 'string'
      ? { text: each, tokens: countTokens(each) }
      : { text: each.join(' '), tokens: each.length },
  )
}

function isTokenIds(input: Exclude<Input, string>): input is number[] {
  return typeof input[0] === 'number'
}

/** A vector of length 1, the same for the same text. */
export function vectorOf(text: string, dimensions: number): Float32Array {
  const random = seededRandom(seedOf(text))
  const vector = Float32Array.from({ length: dimensions }, () => random() - 0.5)
  const length = Math.hypot(...vector)
  return vector.map((value) => value / length)
}

function base64Of({ buffer }: Float32Array): string {
  return Buffer.from(buffer).toString('base64')
}
