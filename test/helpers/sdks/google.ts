import { GoogleGenAI, type GenerateContentResponseUsageMetadata } from '@google/genai'
import { headersOf, type Ask, type Sdk, type Told } from './sdk.js'

export const googleSdk: Sdk = {
  name: '@google/genai',
  provider: 'google',
  connect: ({ baseUrls }) => {
    const client = new GoogleGenAI({ apiKey: 'any', httpOptions: { baseUrl: baseUrls.google } })
    const question = (ask: Ask) => ({
      model: 'gemini-2.5-flash',
      contents: ask.prompt,
      config: {
        httpOptions: { headers: headersOf(ask), retryOptions: { attempts: 1 } },
        ...(ask.signal && { abortSignal: ask.signal }),
      },
    })
    return {
      whole: async (ask) => {
        const answer = await client.models.generateContent(question(ask))
        return { text: answer.text ?? '', told: geminiUsage(answer.usageMetadata) }
      },
      async *stream(ask) {
        let told: Told = {}
        for await (const chunk of await client.models.generateContentStream(question(ask))) {
          told = geminiUsage(chunk.usageMetadata)
          yield chunk.text ?? ''
        }
        return told
      },
    }
  },
}

function geminiUsage(usage: GenerateContentResponseUsageMetadata | undefined): Told {
  if (!usage) return {}
  const thoughts = usage.thoughtsTokenCount ?? 0
  return {
    input_tokens: usage.promptTokenCount ?? 0,
    output_tokens: (usage.candidatesTokenCount ?? 0) + thoughts,
    cache_read_tokens: usage.cachedContentTokenCount ?? 0,
    reasoning_tokens: thoughts,
  }
}
