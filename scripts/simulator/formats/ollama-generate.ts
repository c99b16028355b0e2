import * as z from 'zod'
import type { BilledPlan, Format, Frame, ShapeOptions } from '../format.js'
import { stepsOf, type Completion, type Message, type Inference } from '../inference.js'
import { randomId } from '../random.js'
import { parseBody } from './content.js'
import { ollamaDialect } from './ollama-dialect.js'

const shared = {
  model: z.string(),
  stream: z.boolean().nullish(),
  options: z.looseObject({ num_predict: z.int().nullish() }).nullish(),
}

const chatBody = z.looseObject({
  ...shared,
  messages: z.array(z.looseObject({ role: z.string(), content: z.string().nullish() })),
  tools: z.array(z.unknown()).nullish(),
})

const generateBody = z.looseObject({
  ...shared,
  prompt: z.string(),
  system: z.string().nullish(),
})

type Asked = Pick<z.infer<typeof generateBody>, 'model' | 'stream' | 'options'>

/** How an endpoint carries text in its chunks and answers. */
type Carrier = (text: string) => object

export const ollamaChat: Format = {
  method: 'POST',
  path: '/api/chat',
  dialect: ollamaDialect,
  plan: ({ body }, inference) => {
    const asked = parseBody(chatBody, body)
    const messages = asked.messages.map(({ role, content }) => ({ role, text: content ?? '' }))
    const appendix = asked.tools ? JSON.stringify(asked.tools) : ''
    const carry: Carrier = (content) => ({ message: { role: 'assistant', content } })
    return plan(asked, complete(inference, asked, messages, appendix), carry)
  },
}

export const ollamaGenerate: Format = {
  method: 'POST',
  path: '/api/generate',
  dialect: ollamaDialect,
  plan: ({ body }, inference) => {
    const asked = parseBody(generateBody, body)
    const system = asked.system ? [{ role: 'system', text: asked.system }] : []
    const messages = [...system, { role: 'user', text: asked.prompt }]
    return plan(asked, complete(inference, asked, messages, ''), (response) => ({ response }))
  },
}

function complete(
  inference: Inference,
  { model, options }: Asked,
  messages: readonly Message[],
  appendix: string,
): Completion {
  const limit = options?.num_predict ?? 0
  return inference.complete({
    provider: 'ollama',
    model,
    messages,
    appendix,
    // Zero and less ask for no limit.
    maxTokens: limit > 0 ? limit : undefined,
    cacheBreakpoints: [],
  })
}

function plan(asked: Asked, completion: Completion, carry: Carrier): BilledPlan {
  const { model, text, usage } = completion
  const chunk = (part: string) => ({
    model: model.id,
    created_at: new Date().toISOString(),
    ...carry(part),
    done: false,
  })
  const last = (part: string, options: ShapeOptions) => ({
    ...chunk(part),
    done: true,
    done_reason: completion.truncated ? 'length' : 'stop',
    total_duration: 4883583458,
    load_duration: 1334875,
    ...(options.usage && {
      prompt_eval_count: usage.input_tokens,
      prompt_eval_duration: 342546000,
      eval_count: usage.output_tokens,
      eval_duration: 4535599000,
    }),
  })
  return {
    kind: 'billed',
    // Ollama gives its answers no id; the invoice has one all the same.
    id: randomId('ollama-'),
    model: model.id,
    stream: asked.stream !== false,
    usage,
    steps: stepsOf(completion),
    json: (options) => last(text, options),
    streamType: 'application/x-ndjson',
    frames: (options) => frames(completion, chunk, last('', options)),
    failureFrame: () => `${JSON.stringify({ error: 'an error was encountered' })}\n`,
  }
}

function* frames(
  { pieces }: Completion,
  chunk: (part: string) => object,
  last: object,
): Generator<Frame> {
  const frame = (value: object, tokens: number): Frame => ({
    wire: `${JSON.stringify(value)}\n`,
    tokens,
  })
  for (const { text, tokens } of pieces) yield frame(chunk(text), tokens)
  yield frame(last, 0)
}
