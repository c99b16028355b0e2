import * as z from 'zod'
import type { Format } from '../format.js'
import { randomId } from '../random.js'
import { countTokens } from '../tokens.js'
import { parseBody } from './content.js'
import { ollamaDialect } from './ollama-dialect.js'
import { vectorOf } from './openai-embeddings.js'

const embedBody = z.looseObject({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string())]),
})

export const ollamaEmbed: Format = {
  method: 'POST',
  path: '/api/embed',
  dialect: ollamaDialect,
  plan: ({ body }, inference) => {
    const asked = parseBody(embedBody, body)
    const model = inference.model('ollama', asked.model, 'embedding')
    const inputs = [asked.input].flat()
    const inputTokens = inputs.reduce((sum, text) => sum + countTokens(text), 0)
    return {
      kind: 'billed',
      id: randomId('ollama-'),
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
        model: model.id,
        embeddings: inputs.map((text) => [...vectorOf(text, model.dimensions)]),
        total_duration: 14143917,
        load_duration: 1019500,
        ...(options.usage && { prompt_eval_count: inputTokens }),
      }),
      frames: () => [],
      failureFrame: () => '',
    }
  },
}
