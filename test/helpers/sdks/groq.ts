import Groq from 'groq-sdk'
import type { CompletionUsage } from 'groq-sdk/resources/completions'
import { headersOf, signalOf, type Ask, type Sdk, type Told } from './sdk.js'

export const groqSdk: Sdk = {
  name: 'groq-sdk',
  provider: 'groq',
  connect: ({ baseUrls }) => {
    const client = new Groq({
      apiKey: 'any',
      baseURL: baseUrls.groq,
      maxRetries: 0,
      logLevel: 'off',
    })
    const question = ({ prompt }: Ask) => ({
      model: 'openai/gpt-oss-20b',
      messages: [{ role: 'user' as const, content: prompt }],
    })
    const options = (ask: Ask) => ({ headers: headersOf(ask), ...signalOf(ask) })
    return {
      whole: async (ask) => {
        const answer = await client.chat.completions.create(question(ask), options(ask))
        return { text: answer.choices[0]?.message.content ?? '', told: groqUsage(answer.usage) }
      },
      async *stream(ask) {
        const body = { ...question(ask), stream: true as const }
        const chunks = await client.chat.completions.create(body, options(ask))
        let told: Told = {}
        for await (const chunk of chunks) {
          if (chunk.x_groq?.usage) told = groqUsage(chunk.x_groq.usage)
          yield chunk.choices[0]?.delta.content ?? ''
        }
        return told
      },
    }
  },
}

function groqUsage(usage: CompletionUsage | undefined): Told {
  if (!usage) return {}
  return {
    input_tokens: usage.prompt_tokens,
    output_tokens: usage.completion_tokens,
    cache_read_tokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    reasoning_tokens: usage.completion_tokens_details?.reasoning_tokens ?? 0,
  }
}
