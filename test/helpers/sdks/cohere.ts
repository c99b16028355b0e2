import { CohereClientV2, type Cohere } from 'cohere-ai'
import { headersOf, type Ask, type Sdk, type Told } from './sdk.js'

export const cohereSdk: Sdk = {
  name: 'cohere-ai',
  provider: 'cohere',
  connect: ({ baseUrls }) => {
    const client = new CohereClientV2({ token: 'any', environment: baseUrls.cohere })
    const question = ({ prompt }: Ask) => ({
      model: 'command-a-03-2025',
      messages: [{ role: 'user' as const, content: prompt }],
    })
    const options = (ask: Ask) => ({
      headers: headersOf(ask),
      maxRetries: 0,
      ...(ask.signal && { abortSignal: ask.signal }),
    })
    return {
      whole: async (ask) => {
        const { message, usage } = await client.chat(question(ask), options(ask))
        const block = message.content?.[0]
        return { text: block?.type === 'text' ? block.text : '', told: cohereUsage(usage) }
      },
      async *stream(ask) {
        let told: Told = {}
        for await (const event of await client.chatStream(question(ask), options(ask))) {
          if (event.type === 'content-delta') yield event.delta?.message?.content?.text ?? ''
          if (event.type !== 'message-end') continue
          if (event.delta?.error) throw new Error(event.delta.error)
          told = cohereUsage(event.delta?.usage)
        }
        return told
      },
    }
  },
}

function cohereUsage(usage: Cohere.Usage | undefined): Told {
  const { inputTokens, outputTokens } = usage?.tokens ?? {}
  return {
    ...(inputTokens !== undefined && { input_tokens: inputTokens }),
    ...(outputTokens !== undefined && { output_tokens: outputTokens }),
  }
}
