import { Ollama } from 'ollama'
import type { Simulator } from '../../../scripts/simulator/index.js'
import { headersOf, type Ask, type Client, type Sdk, type Told } from './sdk.js'

/** A client for one question, for the SDK takes headers and aborts per client. */
function clientFor({ baseUrls }: Simulator, ask: Ask): Ollama {
  const client = new Ollama({ host: baseUrls.ollama, headers: headersOf(ask) })
  ask.signal?.addEventListener('abort', () => {
    client.abort()
  })
  return client
}

interface OllamaUsage {
  readonly prompt_eval_count?: number
  readonly eval_count?: number
}

function ollamaUsage({ prompt_eval_count: input, eval_count: output }: OllamaUsage): Told {
  return {
    ...(input !== undefined && { input_tokens: input }),
    ...(output !== undefined && { output_tokens: output }),
  }
}

function chatClient(simulator: Simulator): Client {
  const question = ({ prompt }: Ask) => ({
    model: 'llama3.2',
    messages: [{ role: 'user', content: prompt }],
  })
  return {
    whole: async (ask) => {
      const answer = await clientFor(simulator, ask).chat(question(ask))
      return { text: answer.message.content, told: ollamaUsage(answer) }
    },
    async *stream(ask) {
      const body = { ...question(ask), stream: true as const }
      let told: Told = {}
      for await (const chunk of await clientFor(simulator, ask).chat(body)) {
        if (chunk.done) told = ollamaUsage(chunk)
        yield chunk.message.content
      }
      return told
    },
  }
}

function generateClient(simulator: Simulator): Client {
  const question = ({ prompt }: Ask) => ({ model: 'qwen3', prompt })
  return {
    whole: async (ask) => {
      const answer = await clientFor(simulator, ask).generate(question(ask))
      return { text: answer.response ?? '', told: ollamaUsage(answer) }
    },
    async *stream(ask) {
      const body = { ...question(ask), stream: true as const }
      let told: Told = {}
      for await (const chunk of await clientFor(simulator, ask).generate(body)) {
        if (chunk.done) told = ollamaUsage(chunk)
        yield chunk.response ?? ''
      }
      return told
    },
  }
}

export const ollamaSdks: readonly Sdk[] = [
  { name: 'ollama (chat)', provider: 'ollama', skipsBrokenLines: true, connect: chatClient },
  {
    name: 'ollama (generate)',
    provider: 'ollama',
    skipsBrokenLines: true,
    connect: generateClient,
  },
]
