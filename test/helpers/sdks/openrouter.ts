import { OpenRouter } from '@openrouter/sdk'
import type { ChatUsage } from '@openrouter/sdk/models'
import { headersOf, signalOf, type Ask, type Sdk, type Told } from './sdk.js'

export const openrouterSdk: Sdk = {
  name: '@openrouter/sdk',
  provider: 'openrouter',
  connect: ({ baseUrls }) => {
    const client = new OpenRouter({
      apiKey: 'any',
      serverURL: baseUrls.openrouter,
      retryConfig: { strategy: 'none' },
    })
    const question = ({ prompt }: Ask) => ({
      model: 'deepseek/deepseek-r1',
      messages: [{ role: 'user' as const, content: prompt }],
    })
    const options = (ask: Ask) => ({ fetchOptions: { headers: headersOf(ask), ...signalOf(ask) } })
    return {
      whole: async (ask) => {
        const answer = await client.chat.send({ chatRequest: question(ask) }, options(ask))
        if (!('choices' in answer)) throw new Error('expected a whole answer')
        const content: unknown = answer.choices[0]?.message.content
        return {
          text: typeof content === 'string' ? content : '',
          told: openrouterUsage(answer.usage),
        }
      },
      async *stream(ask) {
        const chatRequest = { ...question(ask), stream: true as const }
        const chunks = await client.chat.send({ chatRequest }, options(ask))
        if ('choices' in chunks) throw new Error('expected a stream')
        let told: Told = {}
        for await (const chunk of chunks) {
          if (chunk.error) throw new Error(chunk.error.message)
          if (chunk.usage) told = openrouterUsage(chunk.usage)
          yield chunk.choices[0]?.delta.content ?? ''
        }
        return told
      },
    }
  },
}

function openrouterUsage(usage: ChatUsage | undefined): Told {
  if (!usage) return {}
  return {
    input_tokens: usage.promptTokens,
    output_tokens: usage.completionTokens,
    cache_read_tokens: usage.promptTokensDetails?.cachedTokens ?? 0,
    reasoning_tokens: usage.completionTokensDetails?.reasoningTokens ?? 0,
  }
}
