import Anthropic from '@anthropic-ai/sdk'
import { headersOf, signalOf, type Ask, type Sdk, type Told } from './sdk.js'

/** The prompt with a cache breakpoint after it, in Anthropic's shape. */
export function anthropicQuestion({ prompt }: Ask) {
  const cache_control = { type: 'ephemeral' as const }
  const content = [{ type: 'text' as const, text: prompt, cache_control }]
  return { max_tokens: 1000, messages: [{ role: 'user' as const, content }] }
}

export interface AnthropicUsage {
  readonly input_tokens: number | null
  readonly output_tokens: number
  readonly cache_read_input_tokens: number | null
  readonly cache_creation_input_tokens: number | null
}

export function anthropicUsage(usage: AnthropicUsage | undefined): Told {
  if (!usage) return {}
  const read = usage.cache_read_input_tokens ?? 0
  const written = usage.cache_creation_input_tokens ?? 0
  return {
    input_tokens: (usage.input_tokens ?? 0) + read + written,
    output_tokens: usage.output_tokens,
    cache_read_tokens: read,
    cache_write_tokens: written,
  }
}

export const anthropicSdk: Sdk = {
  name: '@anthropic-ai/sdk',
  provider: 'anthropic',
  connect: ({ baseUrls }) => {
    const client = new Anthropic({
      apiKey: 'any',
      authToken: null,
      baseURL: baseUrls.anthropic,
      maxRetries: 0,
      logLevel: 'off',
    })
    const question = (ask: Ask) => ({ model: 'claude-haiku-4-5', ...anthropicQuestion(ask) })
    const options = (ask: Ask) => ({ headers: headersOf(ask), ...signalOf(ask) })
    return {
      whole: async (ask) => {
        const { content, usage } = await client.messages.create(question(ask), options(ask))
        const [block] = content
        return { text: block?.type === 'text' ? block.text : '', told: anthropicUsage(usage) }
      },
      async *stream(ask) {
        const body = { ...question(ask), stream: true as const }
        let told: Told = {}
        for await (const event of await client.messages.create(body, options(ask))) {
          if (event.type === 'message_delta') told = anthropicUsage(event.usage)
          if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') {
            yield event.delta.text
          }
        }
        return told
      },
    }
  },
}
