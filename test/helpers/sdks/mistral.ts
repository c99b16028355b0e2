import { Mistral } from '@mistralai/mistralai'
import { headersOf, signalOf, type Ask, type Sdk, type Told } from './sdk.js'

export const mistralSdk: Sdk = {
  name: '@mistralai/mistralai',
  provider: 'mistral',
  insistsOnUsage: ['whole'],
  connect: ({ baseUrls }) => {
    const client = new Mistral({ apiKey: 'any', serverURL: baseUrls.mistral })
    const question = ({ prompt }: Ask) => ({
      model: 'mistral-large-latest',
      messages: [{ role: 'user' as const, content: prompt }],
    })
    const options = (ask: Ask) => ({
      fetchOptions: { headers: headersOf(ask), ...signalOf(ask) },
      retries: { strategy: 'none' as const },
    })
    return {
      whole: async (ask) => {
        const answer = await client.chat.complete(question(ask), options(ask))
        return {
          text: textOf(answer.choices[0]?.message?.content),
          told: mistralUsage(answer.usage),
        }
      },
      async *stream(ask) {
        let told: Told = {}
        for await (const { data } of await client.chat.stream(question(ask), options(ask))) {
          if (data.usage) told = mistralUsage(data.usage)
          yield textOf(data.choices[0]?.delta.content)
        }
        return told
      },
    }
  },
}

function textOf(content: unknown): string {
  return typeof content === 'string' ? content : ''
}

interface MistralUsage {
  readonly promptTokens?: number | undefined
  readonly completionTokens?: number | undefined
}

function mistralUsage({ promptTokens, completionTokens }: MistralUsage): Told {
  return {
    ...(promptTokens !== undefined && { input_tokens: promptTokens }),
    ...(completionTokens !== undefined && { output_tokens: completionTokens }),
  }
}
