import * as z from 'zod'
import type { BilledPlan, Format } from '../format.js'
import { stepsOf, type Completion, type Message } from '../inference.js'
import { randomId } from '../random.js'
import { content, parseBody, textOf, tokenLimit } from './content.js'
import { Background, openaiBackground } from './openai-background.js'
import { openaiDialect } from './openai-dialect.js'
import { responseFrames, type ResponseItems } from './openai-responses-events.js'

const responsesBody = z.looseObject({
  model: z.string(),
  input: z.union([
    z.string(),
    z.array(z.looseObject({ role: z.string().optional(), content: content.nullish() })).min(1),
  ]),
  instructions: z.string().nullish(),
  stream: z.boolean().nullish(),
  background: z.boolean().nullish(),
  max_output_tokens: tokenLimit,
  metadata: z.record(z.string(), z.string()).nullish(),
  tools: z.array(z.unknown()).nullish(),
})

type ResponsesBody = z.infer<typeof responsesBody>

/** OpenAI's Responses: to make one, and to ask how far one is that is made in the background. */
export function openaiResponses(): Format[] {
  const background = new Background()
  return [openaiResponse(background), openaiBackground(background)]
}

const openaiResponse = (background: Background): Format => ({
  method: 'POST',
  path: '/v1/responses',
  dialect: openaiDialect,
  plan: ({ body }, inference) => {
    const asked = parseBody(responsesBody, body)
    const completion = inference.complete({
      provider: 'openai',
      model: asked.model,
      messages: messagesOf(asked),
      appendix: asked.tools ? JSON.stringify(asked.tools) : '',
      maxTokens: asked.max_output_tokens ?? undefined,
    })
    const plan = responsesPlan(asked, completion)
    if (asked.background !== true || plan.stream) return plan
    return { ...plan, json: (options) => background.begin(plan.id, plan.json(options)) }
  },
})

function messagesOf({ input, instructions }: ResponsesBody): Message[] {
  const before = instructions ? [{ role: 'developer', text: instructions }] : []
  if (typeof input === 'string') return [...before, { role: 'user', text: input }]
  return [
    ...before,
    ...input.map(({ role, content }) => ({ role: role ?? 'user', text: textOf(content) })),
  ]
}

function responsesPlan(asked: ResponsesBody, completion: Completion): BilledPlan {
  const id = randomId('resp_')
  const items = itemsOf(completion)
  const started = startedResponse(id, asked, completion)
  const ended = (options: { usage: boolean }) => ({
    ...started,
    status: completion.truncated ? 'incomplete' : 'completed',
    incomplete_details: completion.truncated ? { reason: 'max_output_tokens' } : null,
    output: [items.reasoning, items.message].filter((item) => item !== undefined),
    usage: options.usage ? responsesUsage(completion) : null,
  })
  return {
    kind: 'billed',
    id,
    model: completion.model.snapshot,
    stream: asked.stream === true,
    usage: completion.usage,
    steps: stepsOf(completion),
    json: ended,
    frames: (options) => responseFrames(completion, items, started, ended(options)),
    failureFrame: (emitted) => failureFrames(started, emitted),
  }
}

function startedResponse(id: string, asked: ResponsesBody, { model }: Completion) {
  return {
    id,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: asked.instructions ?? null,
    max_output_tokens: asked.max_output_tokens ?? null,
    metadata: asked.metadata ?? {},
    model: model.snapshot,
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: model.reasoning ? 'medium' : null, summary: null },
    service_tier: 'default',
    store: true,
    temperature: 1,
    text: { format: { type: 'text' }, verbosity: 'medium' },
    tool_choice: 'auto',
    tools: asked.tools ?? [],
    top_p: 1,
    truncation: 'disabled',
    usage: null,
    user: null,
  }
}

function itemsOf({ model, pieces, text, truncated }: Completion): ResponseItems {
  return {
    reasoning: model.reasoning
      ? { id: randomId('rs_'), type: 'reasoning', summary: [] }
      : undefined,
    // A limit that reasoning used up leaves no message at all.
    message:
      pieces.length > 0
        ? {
            id: randomId('msg_'),
            type: 'message',
            status: truncated ? 'incomplete' : 'completed',
            role: 'assistant',
            content: [{ type: 'output_text', annotations: [], logprobs: [], text }],
          }
        : undefined,
  }
}

function responsesUsage({ usage }: Completion) {
  return {
    input_tokens: usage.input_tokens,
    input_tokens_details: { cached_tokens: usage.cache_read_tokens, cache_write_tokens: 0 },
    output_tokens: usage.output_tokens,
    output_tokens_details: { reasoning_tokens: usage.reasoning_tokens },
    total_tokens: usage.input_tokens + usage.output_tokens,
  }
}

function failureFrames(started: object, emitted: number): string {
  const message = 'The server had an error processing your request. Sorry about that!'
  const events = [
    { type: 'error', code: 'server_error', message, param: null },
    {
      type: 'response.failed',
      response: { ...started, status: 'failed', error: { code: 'server_error', message } },
    },
  ]
  return events
    .map((event, index) => ({ ...event, sequence_number: emitted + index }))
    .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    .join('')
}
