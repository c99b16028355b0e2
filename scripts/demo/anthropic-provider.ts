import Anthropic, { APIConnectionTimeoutError, APIError } from '@anthropic-ai/sdk'
import type { Message, RawMessageStreamEvent } from '@anthropic-ai/sdk/resources/messages'
import { upstreamProblem } from './failure.js'
import type { Conversation, Turn } from './input.js'
import type { Problem } from './problem.js'
import type { Answer, Provider, Upstream } from './provider.js'

const DEFAULT_TIMEOUT_MS = 60_000
/** Anthropic demands a limit. */
const DEFAULT_MAX_TOKENS = 1024

export function anthropicProvider(upstream: Upstream): Provider {
  const client = new Anthropic({
    apiKey: upstream.apiKey,
    authToken: null,
    baseURL: upstream.baseUrl,
    timeout: upstream.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    // The caller sees the first answer; a hidden retry would be a second bill.
    maxRetries: 0,
    logLevel: 'off',
  })
  return {
    complete: async (conversation, options) => {
      const body = bodyOf(upstream, conversation)
      return client.messages
        .create({ ...body, stream: false }, options)
        .then(answerOf)
        .catch(raise(conversation))
    },
    stream: async (conversation, options) => {
      const body = bodyOf(upstream, conversation)
      const events = await client.messages
        .create({ ...body, stream: true }, options)
        .catch(raise(conversation))
      return frames(events, conversation)
    },
  }
}

function answerOf({
  content,
  model,
  usage,
}: Omit<Message, 'usage'> & Partial<Pick<Message, 'usage'>>): Answer {
  const reply = content.map((block) => (block.type === 'text' ? block.text : '')).join('')
  return { reply, model, usage: usage ?? null }
}

function bodyOf(upstream: Upstream, { turns, model, maxTokens }: Conversation) {
  const system = turns.filter(({ role }) => role === 'system').map(({ content }) => content)
  return {
    model: model ?? upstream.model,
    max_tokens: maxTokens ?? DEFAULT_MAX_TOKENS,
    messages: turns.flatMap(spoken),
    ...(system.length > 0 && { system: system.join('\n\n') }),
  }
}

function spoken({ role, content }: Turn) {
  return role === 'system' ? [] : [{ role, content }]
}

async function* frames(
  events: AsyncIterable<RawMessageStreamEvent>,
  conversation: Conversation,
): AsyncGenerator<string> {
  try {
    for await (const event of events) {
      yield `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
    }
  } catch (error) {
    const { message } = problemOf(error, conversation)
    const type = (error instanceof APIError && error.type) || 'api_error'
    const body = { type: 'error', error: { type, message } }
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
