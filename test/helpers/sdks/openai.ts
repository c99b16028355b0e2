import { ChatOpenAI } from '@langchain/openai'
import OpenAI from 'openai'
import type { Simulator } from '../../../scripts/simulator/index.js'
import { headersOf, signalOf, type Ask, type Client, type Sdk, type Told } from './sdk.js'

/** The openai client for a provider that follows OpenAI's chat format. */
function chatSdk(
  name: string,
  provider: 'openai' | 'deepseek' | 'xai' | 'openrouter',
  model: string,
) {
  return {
    name,
    provider,
    connect: (simulator: Simulator) => chatClient(simulator.baseUrls[provider], model, provider),
  } satisfies Sdk
}

function chatClient(baseURL: string, model: string, provider: string): Client {
  const client = new OpenAI({ apiKey: 'any', baseURL, maxRetries: 0, logLevel: 'off' })
  const question = ({ prompt }: Ask) => ({
    model,
    messages: [{ role: 'user' as const, content: prompt }],
  })
  const options = (ask: Ask) => ({ headers: headersOf(ask), ...signalOf(ask) })
  const told = (usage: OpenAI.CompletionUsage | null | undefined) => chatUsage(usage, provider)
  return {
    whole: async (ask) => {
      const answer = await client.chat.completions.create(question(ask), options(ask))
      return { text: answer.choices[0]?.message.content ?? '', told: told(answer.usage) }
    },
    async *stream(ask) {
      const body = { ...question(ask), stream: true as const }
      const chunks = await client.chat.completions.create(
        { ...body, stream_options: { include_usage: true } },
        options(ask),
      )
      let usage: OpenAI.CompletionUsage | undefined
      for await (const chunk of chunks) {
        usage = chunk.usage ?? usage
        yield chunk.choices[0]?.delta.content ?? ''
      }
      return told(usage)
    },
  }
}

function chatUsage(usage: OpenAI.CompletionUsage | null | undefined, provider: string): Told {
  if (!usage) return {}
  const reasoning = usage.completion_tokens_details?.reasoning_tokens ?? 0
  return {
    input_tokens: usage.prompt_tokens,
    output_tokens: usage.completion_tokens + (provider === 'xai' ? reasoning : 0),
    cache_read_tokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    reasoning_tokens: reasoning,
  }
}

function responsesClient({ baseUrls }: Simulator): Client {
  const baseURL = baseUrls.openai
  const client = new OpenAI({ apiKey: 'any', baseURL, maxRetries: 0, logLevel: 'off' })
  const question = ({ prompt }: Ask) => ({ model: 'gpt-5-mini', input: prompt })
  const options = (ask: Ask) => ({ headers: headersOf(ask), ...signalOf(ask) })
  return {
    whole: async (ask) => {
      const answer = await client.responses.create(question(ask), options(ask))
      return { text: answer.output_text, told: responsesUsage(answer.usage) }
    },
    async *stream(ask) {
      const events = await client.responses.create({ ...question(ask), stream: true }, options(ask))
      let told: Told = {}
      for await (const event of events) {
        if (event.type === 'response.output_text.delta') yield event.delta
        if (event.type === 'response.completed') told = responsesUsage(event.response.usage)
        if (event.type === 'response.failed') throw new Error(event.response.error?.message)
      }
      return told
    },
  }
}

function responsesUsage(usage: OpenAI.Responses.ResponseUsage | undefined): Told {
  if (!usage) return {}
  return {
    input_tokens: usage.input_tokens,
    output_tokens: usage.output_tokens,
    cache_read_tokens: usage.input_tokens_details.cached_tokens,
    reasoning_tokens: usage.output_tokens_details.reasoning_tokens,
  }
}

function langchainClient({ baseUrls }: Simulator): Client {
  const model = (ask: Ask) =>
    new ChatOpenAI({
      apiKey: 'any',
      model: 'gpt-5-mini',
      maxRetries: 0,
      configuration: { baseURL: baseUrls.openai, defaultHeaders: headersOf(ask), logLevel: 'off' },
    })
  return {
    whole: async (ask) => {
      const message = await model(ask).invoke(ask.prompt, signalOf(ask))
      return { text: message.text, told: langchainUsage(message) ?? {} }
    },
    async *stream(ask) {
      let told: Told = {}
      for await (const chunk of await model(ask).stream(ask.prompt, signalOf(ask))) {
        told = langchainUsage(chunk) ?? told
        yield chunk.text
      }
      return told
    },
  }
}

interface LangchainUsage {
  readonly input_tokens: number
  readonly output_tokens: number
  readonly input_token_details?: { readonly cache_read?: number }
  readonly output_token_details?: { readonly reasoning?: number }
}

function langchainUsage(message: { usage_metadata?: unknown }): Told | undefined {
  const usage = message.usage_metadata as LangchainUsage | undefined
  if (!usage) return undefined
  return {
    input_tokens: usage.input_tokens,
    output_tokens: usage.output_tokens,
    cache_read_tokens: usage.input_token_details?.cache_read ?? 0,
    reasoning_tokens: usage.output_token_details?.reasoning ?? 0,
  }
}

export const openaiSdks: readonly Sdk[] = [
  chatSdk('openai (chat)', 'openai', 'gpt-5-mini'),
  { name: 'openai (responses)', provider: 'openai', connect: responsesClient },
  chatSdk('openai for DeepSeek', 'deepseek', 'deepseek-reasoner'),
  chatSdk('openai for xAI', 'xai', 'grok-4'),
  chatSdk('openai for OpenRouter', 'openrouter', 'deepseek/deepseek-r1'),
  { name: '@langchain/openai', provider: 'openai', connect: langchainClient },
]
