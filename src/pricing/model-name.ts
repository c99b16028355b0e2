import { providerOfModel } from '../capture/provider-of-model.js'

/** Names of providers that the catalogue knows under another. */
const aliases: Readonly<Record<string, string>> = {
  bedrock: 'aws',
  'amazon-bedrock': 'aws',
  aws_bedrock: 'aws',
  xai: 'x-ai',
  gemini: 'google',
  vertex: 'google',
  vertex_ai: 'google',
  vertexai: 'google',
  'google-vertex': 'google',
  'google-genai': 'google',
  mistralai: 'mistral',
  moonshot: 'moonshotai',
  azure_openai: 'azure',
  'azure-openai': 'azure',
  'together-ai': 'together',
  together_ai: 'together',
}

/** The catalogue's name of a provider. */
export function catalogueProvider(name: string): string {
  const lower = name.toLowerCase()
  return Object.hasOwn(aliases, lower) ? (aliases[lower] ?? lower) : lower
}

/** Bedrock's own names: `anthropic.claude-…`, `us.anthropic.claude-…`, `amazon.nova-…`. */
const bedrock =
  /^(?:(?:us|us-gov|eu|apac|jp|au|ca|sa|global)\.)?(?:ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen|stability|writer)\.[\w.-]+(?::\d+)?$/

/** They sell others' models at the prices of those, by names like `anthropic/claude-sonnet-4.5`. */
const resellers = new Set(['vercel'])

/** Where a model may stand in the catalogue. */
export interface Candidate {
  readonly provider: string
  readonly model: string
}

/**
 * Where to look a model up, best first. A provider that was named is believed, and no other is
 * tried; without one, only names that give it away are: a vendor's own, `provider/model`, Bedrock's.
 */
export function candidates(provider: string | undefined, model: string): Candidate[] {
  const plain = withoutPath(model)
  const slash = plain.indexOf('/')
  const prefix = slash > 0 ? catalogueProvider(plain.slice(0, slash)) : undefined
  const rest = plain.slice(slash + 1)
  if (provider !== undefined && !resellers.has(provider)) {
    const known = catalogueProvider(provider)
    const names = new Set([model, plain, ...(prefix === known ? [rest] : [])])
    return [...names].map((name) => ({ provider: known, model: name }))
  }
  if (bedrock.test(plain)) return [{ provider: 'aws', model: plain }]
  if (prefix !== undefined) return [{ provider: prefix, model: rest }]
  const vendor = providerOfModel(plain)
  return vendor === undefined ? [] : [{ provider: catalogueProvider(vendor), model: plain }]
}

/** `models/gemini-…`, `publishers/google/models/gemini-…` and ARNs end in the model's name. */
function withoutPath(model: string): string {
  const match = /^(?:.*\/)?models\/([^/]+)$/.exec(model)
  if (match?.[1] !== undefined) return match[1]
  const arn = /^arn:aws[\w-]*:bedrock:.*:(?:foundation-model|inference-profile)\/([^/]+)$/.exec(
    model,
  )
  return arn?.[1] ?? model
}
