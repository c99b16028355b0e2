import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { generateText, streamText, type LanguageModel, type LanguageModelUsage } from 'ai'
import type { Simulator } from '../../../scripts/simulator/index.js'
import { headersOf, type Ask, type Client, type Sdk, type Told } from './sdk.js'

/** Asks Anthropic to cache the prompt; nobody else looks at it. */
const providerOptions = { anthropic: { cacheControl: { type: 'ephemeral' } } }

function aiClient(model: LanguageModel): Client {
  const question = (ask: Ask) => ({
    model,
    messages: [
      {
        role: 'user' as const,
        content: [{ type: 'text' as const, text: ask.prompt, providerOptions }],
      },
    ],
    headers: headersOf(ask),
    maxRetries: 0,
    ...(ask.signal && { abortSignal: ask.signal }),
  })
  return {
    whole: async (ask) => {
      const { text, totalUsage } = await generateText(question(ask))
      return { text, told: aiUsage(totalUsage) }
    },
    async *stream(ask) {
      let told: Told = {}
      const result = streamText({ ...question(ask), onError: () => undefined })
      for await (const part of result.fullStream) {
        if (part.type === 'text-delta') yield part.text
        if (part.type === 'finish') told = aiUsage(part.totalUsage)
        if (part.type === 'error') throw part.error
        if (part.type === 'abort') throw new Error('aborted')
      }
      return told
    },
  }
}

function aiUsage({ inputTokens, outputTokens, ...details }: LanguageModelUsage): Told {
  return {
    ...(inputTokens !== undefined && { input_tokens: inputTokens }),
    ...(outputTokens !== undefined && { output_tokens: outputTokens }),
    cache_read_tokens: details.inputTokenDetails.cacheReadTokens ?? 0,
    cache_write_tokens: details.inputTokenDetails.cacheWriteTokens ?? 0,
    reasoning_tokens: details.outputTokenDetails.reasoningTokens ?? 0,
  }
}

function openai({ baseUrls }: Simulator) {
  return createOpenAI({ apiKey: 'any', baseURL: baseUrls.openai })
}

export const aiSdks: readonly Sdk[] = [
  {
    name: 'ai with @ai-sdk/openai (responses)',
    provider: 'openai',
    connect: (simulator) => aiClient(openai(simulator)('gpt-5-mini')),
  },
  {
    name: 'ai with @ai-sdk/openai (chat)',
    provider: 'openai',
    connect: (simulator) => aiClient(openai(simulator).chat('gpt-5-mini')),
  },
  {
    name: 'ai with @ai-sdk/anthropic',
    insistsOnUsage: ['whole', 'stream'],
    provider: 'anthropic',
    connect: ({ baseUrls }) => {
      const baseURL = `${baseUrls.anthropic}/v1`
      return aiClient(createAnthropic({ apiKey: 'any', baseURL })('claude-haiku-4-5'))
    },
  },
]
