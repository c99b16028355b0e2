import { name } from './name.js'

/**
 * Where a payload came from, as far as whoever saw the call knows. Everything is optional: a reader
 * does without, and knows less (Azure answers like OpenAI, Bedrock names the model in the URL only).
 */
export interface Origin {
  /** Host of the provider's API, with or without port. */
  readonly host?: string | undefined
  /** Path of the call, percent-encoded as sent; a query is ignored. */
  readonly path?: string | undefined
  /** Said by one who knows: wins over host and payload. */
  readonly provider?: string | undefined
  /** The model that was asked for; the model that the payload names wins, except on Bedrock. */
  readonly model?: string | undefined
}

/** The providers' API hosts, as their documentation gives them. */
const hosts: readonly (readonly [RegExp, string])[] = [
  [/(?:^|\.)api\.openai\.com$/, 'openai'],
  [
    /\.(?:openai|cognitiveservices|services\.ai|models\.ai|inference\.ai)\.azure\.(?:com|us|cn)$/,
    'azure',
  ],
  [/\.inference\.ml\.azure\.com$/, 'azure'],
  [/^api\.anthropic\.com$/, 'anthropic'],
  [/^generativelanguage\.googleapis\.com$/, 'google'],
  [/(?:^|-|\.)aiplatform\.googleapis\.com$/, 'google'],
  [/^(?:api|codestral)\.mistral\.ai$/, 'mistral'],
  [/^api\.cohere\.(?:com|ai)$/, 'cohere'],
  [
    /^bedrock(?:-runtime|-mantle)(?:-fips)?\.[\w-]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/,
    'bedrock',
  ],
  [/(?:^|\.)openrouter\.ai$/, 'openrouter'],
  [/^ai-gateway\.vercel\.sh$/, 'vercel'],
  [/^api\.deepseek\.com$/, 'deepseek'],
  [/(?:^|\.)api\.x\.ai$/, 'xai'],
  [/^api\.groq\.com$/, 'groq'],
  [/(?:^|\.)ollama\.com$/, 'ollama'],
  [/:11434$/, 'ollama'],
]

/** The provider whose API a host (with or without port) is, if it is one that is known. */
export function providerOfHost(host: string): string | undefined {
  const lower = host.toLowerCase()
  const bare = lower.endsWith(':11434') ? lower : lower.replace(/:\d+$/, '')
  return hosts.find(([pattern]) => pattern.test(bare))?.[1]
}

const modelPaths: readonly RegExp[] = [
  // Bedrock: /model/{modelId}/converse, invoke, …; the id may be an ARN.
  /^\/model\/([^/]+)\/(?:converse|invoke)/,
  // Gemini and Vertex: /v1beta/models/{model}:generateContent
  /\/models\/([^/:]+):\w+/,
  // Azure: the deployment, which need not be a model's name.
  /\/deployments\/([^/]+)\//,
]

/** The model that the path of a call names, if any. */
export function modelOfPath(path: string): string | undefined {
  const bare = path.split('?', 1)[0] ?? ''
  for (const pattern of modelPaths) {
    const found = pattern.exec(bare)?.[1]
    if (found === undefined) continue
    try {
      return name(decodeURIComponent(found))
    } catch {
      return name(found)
    }
  }
  return undefined
}
