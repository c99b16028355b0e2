import OpenAI, { APIConnectionTimeoutError, APIError } from 'openai'
import type { ChatCompletion, ChatCompletionChunk } from 'openai/resources/chat/completions'
import { upstreamProblem } from './failure.js'
import type { Conversation } from './input.js'
import type { Problem } from './problem.js'
import type { Answer, Provider, Upstream } from './provider.js'

const DEFAULT_TIMEOUT_MS = 60_000

/** OpenAI, anything that speaks its chat completions, and OpenRouter. */
export function openaiProvider(upstream: Upstream): Provider {
  const client = new OpenAI({
    apiKey: upstream.apiKey,
    baseURL: upstream.baseUrl,
    timeout: upstream.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    // The caller sees the first answer; a hidden retry would be a second bill.
    maxRetries: 0,
    logLevel: 'off',
    ...(upstream.kind === 'openrouter' && { organization: null, project: null }),
  })
  return {
    complete: async (conversation, options) => {
      const body = bodyOf(upstream, conversation)
      return client.chat.completions
        .create({ ...body, stream: false }, options)
        .then(answerOf)
        .catch(raise(conversation))
    },
    stream: async (conversation, options) => {
      const body = bodyOf(upstream, conversation)
      const chunks = await client.chat.completions
        .create({ ...body, stream: true, stream_options: { include_usage: true } }, options)
        .catch(raise(conversation))
      return frames(chunks, conversation)
    },
  }
}

function answerOf({ choices, model, usage }: ChatCompletion): Answer {
  return { reply: choices[0]?.message.content ?? '', model, usage: usage ?? null }
}

function bodyOf(upstream: Upstream, { turns, model, maxTokens }: Conversation) {
  const name = model ?? upstream.model
  return {
    model: name,
    messages: turns.map(({ role, content }) => ({ role, content })),
    ...(maxTokens !== undefined && limitOf(upstream, name, maxTokens)),
  }
}

/** Reasoning models refuse max_tokens; older compatible servers know nothing else. */
function limitOf({ kind }: Upstream, model: string, maxTokens: number) {
  const isReasoning = kind === 'openai' && /^(o\d|gpt-[5-9])/.test(model)
  return isReasoning ? { max_completion_tokens: maxTokens } : { max_tokens: maxTokens }
}

async function* frames(
  chunks: AsyncIterable<ChatCompletionChunk>,
  conversation: Conversation,
): AsyncGenerator<string> {
  try {
    for await (const chunk of chunks) yield `data: ${JSON.stringify(chunk)}\n\n`
    yield 'data: [DONE]\n\n'
  } catch (error) {
    const { code, message } = problemOf(error, conversation)
    const body = { error: { message, type: 'upstream_error', param: null, code } }
    yield `event: error\ndata: ${JSON.stringify(body)}\n\n`
  }
}

function raise(conversation: Conversation) {
  return (error: unknown): never => {
    throw problemOf(error, conversation)
  }
}

function problemOf(error: unknown, { model }: Conversation): Problem {
  const api: APIError | undefined = error instanceof APIError ? error : undefined
  return upstreamProblem({
    status: api?.status,
    message: api?.message ?? 'its answer broke off or cannot be read',
    retryAfter: api?.headers?.get('retry-after'),
    isTimeout: error instanceof APIConnectionTimeoutError,
    isModelNamed: model !== undefined,
  })
}
