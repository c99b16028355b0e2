import type { OperationOptions } from '../capture/operations.js'

/**
 * A path of the provider that may be called, relative to the base URL, as an Express 5 pattern. A
 * parameter named `:model` is held against `models`. Without `type` calls pass unmetered (lists).
 */
export type ProxyPath = Omit<OperationOptions, 'type'> & { type?: string | undefined }

/** What APIs of one kind have in common. */
export interface Dialect {
  readonly family: 'openai' | 'anthropic' | 'gemini' | 'openrouter'
  /** The provider's name in events. */
  readonly provider: string
  /** Undefined where only the host knows the address. */
  readonly baseUrl: string | undefined
  /** The header that carries the key; `authorization` takes it as a Bearer token. */
  readonly keyHeader: string
  /** Whether streams of completions tell their usage only when `stream_options` asks for it. */
  readonly asksForUsage: boolean
  /** What may be called unless the host says otherwise. */
  readonly paths: readonly ProxyPath[]
}

const get = ['GET']
const post = ['POST']

const models: readonly ProxyPath[] = [
  { path: '/models', methods: get },
  { path: '/models/:model', methods: get },
]

const completions: readonly ProxyPath[] = [
  { path: '/chat/completions', methods: post, type: 'chat' },
  { path: '/completions', methods: post, type: 'completion' },
  { path: '/responses', methods: post, type: 'chat' },
  { path: '/embeddings', methods: post, type: 'embeddings' },
]

const openaiPaths: readonly ProxyPath[] = [
  ...completions,
  { path: '/moderations', methods: post, type: 'moderation', estimateTokens: 0 },
  { path: '/images/generations', methods: post, type: 'image', estimateTokens: 0 },
  { path: '/images/edits', methods: post, type: 'image', estimateTokens: 0 },
  { path: '/audio/speech', methods: post, type: 'speech', estimateTokens: 0 },
  { path: '/audio/transcriptions', methods: post, type: 'transcription', estimateTokens: 0 },
  { path: '/audio/translations', methods: post, type: 'transcription', estimateTokens: 0 },
  ...models,
]

/**
 * What Azure has below the deployment of a model too.
 * https://learn.microsoft.com/azure/ai-foundry/openai/reference
 */
const ofDeployment =
  /\/(?:completions|embeddings|generations|edits|speech|transcriptions|translations)$/

const azurePaths: readonly ProxyPath[] = [
  ...openaiPaths,
  ...openaiPaths
    .filter(({ path }) => ofDeployment.test(path))
    .map((one) => ({ ...one, path: `/deployments/:model${one.path}` })),
]

const anthropicPaths: readonly ProxyPath[] = [
  { path: '/v1/messages', methods: post, type: 'chat' },
  { path: '/v1/messages/count_tokens', methods: post },
  { path: '/v1/models', methods: get },
  { path: '/v1/models/:model', methods: get },
]

const geminiPaths: readonly ProxyPath[] = ['v1', 'v1beta', 'v1alpha'].flatMap((version) => [
  { path: `/${version}/models/:model\\:generateContent`, methods: post, type: 'chat' },
  { path: `/${version}/models/:model\\:streamGenerateContent`, methods: post, type: 'chat' },
  { path: `/${version}/models/:model\\:embedContent`, methods: post, type: 'embeddings' },
  { path: `/${version}/models/:model\\:batchEmbedContents`, methods: post, type: 'embeddings' },
  { path: `/${version}/models/:model\\:countTokens`, methods: post },
  { path: `/${version}/interactions`, methods: post, type: 'chat' },
  { path: `/${version}/models`, methods: get },
  { path: `/${version}/models/:model`, methods: get },
])

const compatible = (provider: string, baseUrl?: string, more: Partial<Dialect> = {}): Dialect => ({
  family: 'openai',
  provider,
  baseUrl,
  keyHeader: 'authorization',
  asksForUsage: true,
  paths: openaiPaths,
  ...more,
})

const gemini: Dialect = {
  family: 'gemini',
  provider: 'google',
  baseUrl: 'https://generativelanguage.googleapis.com',
  keyHeader: 'x-goog-api-key',
  asksForUsage: false,
  paths: geminiPaths,
}

const known: Readonly<Record<string, Dialect>> = {
  openai: compatible('openai', 'https://api.openai.com/v1'),
  azure: compatible('azure', undefined, { keyHeader: 'api-key', paths: azurePaths }),
  deepseek: compatible('deepseek', 'https://api.deepseek.com'),
  groq: compatible('groq', 'https://api.groq.com/openai/v1'),
  // Tells its usage unasked and refuses fields it does not know.
  mistral: compatible('mistral', 'https://api.mistral.ai/v1', { asksForUsage: false }),
  ollama: compatible('ollama', 'http://127.0.0.1:11434/v1'),
  xai: compatible('xai', 'https://api.x.ai/v1'),
  anthropic: {
    family: 'anthropic',
    provider: 'anthropic',
    baseUrl: 'https://api.anthropic.com',
    keyHeader: 'x-api-key',
    asksForUsage: false,
    paths: anthropicPaths,
  },
  gemini,
  google: gemini,
  openrouter: {
    family: 'openrouter',
    provider: 'openrouter',
    baseUrl: 'https://openrouter.ai/api/v1',
    keyHeader: 'authorization',
    asksForUsage: false,
    paths: [...completions, ...models],
  },
}

/** The dialect of a provider; one that is not known speaks OpenAI's, at an address the host gives. */
export function dialectOf(provider: string): Dialect {
  return (Object.hasOwn(known, provider) ? known[provider] : undefined) ?? compatible(provider)
}

/** The providers with a dialect of their own, as `provider` takes them. */
export const knownProviders: readonly string[] = Object.keys(known)
