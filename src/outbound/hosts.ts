import type { CallTarget } from '../capture/provider-call.js'

/** A provider's address that the host has added: its base URL, and optionally its name. */
export interface AddedHost {
  readonly baseUrl: string
  readonly provider?: string | undefined
}

const byName: Readonly<Record<string, string>> = {
  'api.openai.com': 'openai',
  'eu.api.openai.com': 'openai',
  'us.api.openai.com': 'openai',
  'models.inference.ai.azure.com': 'azure',
  'api.anthropic.com': 'anthropic',
  'generativelanguage.googleapis.com': 'google',
  'aiplatform.googleapis.com': 'google',
  'api.mistral.ai': 'mistral',
  'codestral.mistral.ai': 'mistral',
  'api.cohere.com': 'cohere',
  'api.cohere.ai': 'cohere',
  'openrouter.ai': 'openrouter',
  'ai-gateway.vercel.sh': 'vercel',
  'api.deepseek.com': 'deepseek',
  'api.x.ai': 'xai',
  'api.groq.com': 'groq',
  'ollama.com': 'ollama',
  'api.together.xyz': 'together',
  'api.together.ai': 'together',
  'api.fireworks.ai': 'fireworks',
  'api.perplexity.ai': 'perplexity',
  'api.cerebras.ai': 'cerebras',
  'api.deepinfra.com': 'deepinfra',
  'api.sambanova.ai': 'sambanova',
  'api.voyageai.com': 'voyageai',
  'api.moonshot.ai': 'moonshot',
  'integrate.api.nvidia.com': 'nvidia',
  'router.huggingface.co': 'huggingface',
}

const byPattern: readonly (readonly [RegExp, string])[] = [
  [/\.(?:openai|cognitiveservices|services\.ai|inference\.ai)\.azure\.com$/, 'azure'],
  [/^[\w-]+-aiplatform\.googleapis\.com$/, 'google'],
  [
    /^(?:[\w-]+\.)?bedrock-runtime(?:-fips)?\.[\w-]+\.(?:vpce\.)?amazonaws\.com(?:\.cn)?$/,
    'bedrock',
  ],
  [/^[\w-]+\.api\.x\.ai$/, 'xai'],
]

/** Ollama listens on this port, on this machine, in a container beside it or elsewhere. */
const ollamaPort = '11434'

/** Origins remembered: hosts of crawlers and webhooks are many. */
const maxRemembered = 1_000

interface Rule {
  /** Undefined where only the format of the answer tells it. */
  readonly provider: string | undefined
  /** Path that a call must begin with; empty for all. */
  readonly prefix: string
}

/** Tells providers' addresses from all others. */
export class ProviderHosts {
  readonly #added = new Map<string, Rule[]>()
  readonly #seen = new Map<string, readonly Rule[]>()

  constructor(added: readonly (string | AddedHost)[]) {
    for (const one of added) {
      const { baseUrl, provider } = typeof one === 'string' ? { baseUrl: one } : one
      const { origin, pathname } = new URL(baseUrl)
      const prefix = pathname.replace(/\/$/, '')
      this.#added.set(origin, [...(this.#added.get(origin) ?? []), { provider, prefix }])
    }
  }

  /** The provider at an origin (`https://host[:port]`) and path; undefined for anybody else. */
  find(origin: string, path: string): CallTarget | undefined {
    let rules = this.#seen.get(origin)
    if (rules === undefined) {
      rules = this.#rulesOf(origin)
      if (this.#seen.size < maxRemembered) this.#seen.set(origin, rules)
    }
    if (rules.length === 0) return undefined
    const rule = rules.find(({ prefix }) => path.startsWith(prefix))
    return rule && { provider: rule.provider, path }
  }

  #rulesOf(origin: string): Rule[] {
    if (!URL.canParse(origin)) return []
    const url = new URL(origin)
    const provider =
      byName[url.hostname] ??
      byPattern.find(([pattern]) => pattern.test(url.hostname))?.[1] ??
      (url.port === ollamaPort ? 'ollama' : undefined)
    const added = this.#added.get(url.origin) ?? []
    return provider === undefined ? added : [...added, { provider, prefix: '' }]
  }
}
