import * as z from 'zod'
import type { BilledPlan, Format, Frame, ShapeOptions, Wire } from '../format.js'
import { stepsOf, type Completion, type Message } from '../inference.js'
import { randomId } from '../random.js'
import { parseBody, tokenLimit } from './content.js'
import { geminiDialect } from './gemini-dialect.js'

const parts = z.array(z.looseObject({ text: z.string().optional() }))

const generateBody = z.looseObject({
  contents: z.array(z.looseObject({ role: z.string().optional(), parts })).min(1),
  systemInstruction: z.looseObject({ parts }).optional(),
  generationConfig: z.looseObject({ maxOutputTokens: tokenLimit }).optional(),
  tools: z.array(z.unknown()).optional(),
})

type GenerateBody = z.infer<typeof generateBody>

/** How a stream is written: Server-Sent Events, or one JSON array, chunk by chunk. */
type Streaming = 'sse' | 'array'

export const geminiGenerate: Format = geminiFormat('generateContent')
export const geminiStream: Format = geminiFormat('streamGenerateContent')

function geminiFormat(method: 'generateContent' | 'streamGenerateContent'): Format {
  return {
    method: 'POST',
    path: `/v1beta/models/{model}:${method}`,
    dialect: geminiDialect,
    plan: ({ body, params, query }, inference) => {
      const asked = parseBody(generateBody, body)
      const completion = inference.complete({
        provider: 'google',
        model: params['model'] ?? '',
        messages: messagesOf(asked),
        appendix: asked.tools ? JSON.stringify(asked.tools) : '',
        maxTokens: asked.generationConfig?.maxOutputTokens ?? undefined,
      })
      const streaming = query.get('alt') === 'sse' ? 'sse' : 'array'
      return generatePlan(completion, method === 'generateContent' ? undefined : streaming)
    },
  }
}

function messagesOf({ contents, systemInstruction }: GenerateBody): Message[] {
  const textOf = (all: z.infer<typeof parts>) => all.map(({ text }) => text ?? '').join('\n')
  const turns = contents.map(({ role, parts }) => ({ role: role ?? 'user', text: textOf(parts) }))
  if (!systemInstruction) return turns
  return [{ role: 'system', text: textOf(systemInstruction.parts) }, ...turns]
}

function generatePlan(completion: Completion, streaming: Streaming | undefined): BilledPlan {
  const id = randomId('')
  const { model, text, truncated, usage } = completion
  const last = { text, finishReason: truncated ? 'MAX_TOKENS' : 'STOP' }
  const shared = { modelVersion: model.snapshot, responseId: id }
  return {
    kind: 'billed',
    id,
    model: model.snapshot,
    stream: streaming !== undefined,
    usage,
    steps: stepsOf(completion),
    json: (options) => chunkOf(completion, last, usage.output_tokens, { shared, options }),
    ...(streaming === 'array' && { streamType: 'application/json; charset=UTF-8' }),
    frames: (options) => generateFrames(completion, streaming ?? 'sse', { shared, options }),
    failureFrame: () => failureFrame(streaming ?? 'sse'),
  }
}

interface Chunk {
  readonly text: string
  readonly finishReason?: string
}

/** A response or a chunk of one; the usage is that of all output until now. */
function chunkOf(
  { usage }: Completion,
  { text, finishReason }: Chunk,
  outputTokens: number,
  { shared, options }: { shared: object; options: ShapeOptions },
) {
  const content = { parts: [{ text }], role: 'model' }
  const candidate = { content, ...(finishReason && { finishReason }), index: 0 }
  const { input_tokens, cache_read_tokens, reasoning_tokens } = usage
  const written = outputTokens - reasoning_tokens
  const usageMetadata = {
    promptTokenCount: input_tokens,
    // A count of nothing is left out.
    ...(written > 0 && { candidatesTokenCount: written }),
    totalTokenCount: input_tokens + outputTokens,
    ...(cache_read_tokens > 0 && { cachedContentTokenCount: cache_read_tokens }),
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: input_tokens }],
    ...(reasoning_tokens > 0 && { thoughtsTokenCount: reasoning_tokens }),
  }
  return { candidates: [candidate], ...(options.usage && { usageMetadata }), ...shared }
}

function* generateFrames(
  completion: Completion,
  streaming: Streaming,
  about: { shared: object; options: ShapeOptions },
): Generator<Frame> {
  const { pieces, truncated, usage } = completion
  let first = true
  let made = 0
  const frame = (chunk: Chunk, tokens: number): Frame => {
    made += tokens
    const json = JSON.stringify(chunkOf(completion, chunk, made, about))
    const wire = streaming === 'sse' ? `data: ${json}\r\n\r\n` : `${first ? '[' : ',\r\n'}${json}`
    first = false
    return { wire, tokens }
  }
  if (usage.reasoning_tokens > 0) yield frame({ text: '' }, usage.reasoning_tokens)
  for (const { text, tokens } of pieces) yield frame({ text }, tokens)
  yield frame({ text: '', finishReason: truncated ? 'MAX_TOKENS' : 'STOP' }, 0)
  if (streaming === 'array') yield { wire: ']', tokens: 0 }
}

function failureFrame(streaming: Streaming): Wire {
  const message = 'An internal error has occurred. Please retry.'
  const json = JSON.stringify(geminiDialect.failure('server_error', message, '').body)
  return streaming === 'sse' ? `data: ${json}\r\n\r\n` : `,\r\n${json}]`
}
