import type { ProviderName } from './dialect.js'

export interface Model {
  readonly provider: ProviderName
  /** As requests name it. */
  readonly id: string
  /** As answers name it; requests may use it too. */
  readonly snapshot: string
  readonly kind: 'chat' | 'embedding'
  readonly reasoning: boolean
  /** Tokens of this model for one token of o200k_base. */
  readonly tokenScale: number
  /** OpenRouter: who serves the model. */
  readonly servedBy: string
  /** OpenRouter, xAI: US dollars per million tokens. Illustrative, not anybody's price list. */
  readonly usdPerMillion: {
    readonly input: number
    readonly cached: number
    readonly output: number
  }
  /** Length of an embedding. */
  readonly dimensions: number
}

const FREE = { input: 0, cached: 0, output: 0 }

function chat(provider: ProviderName, id: string, more: Partial<Model> = {}): Model {
  return {
    provider,
    id,
    snapshot: id,
    kind: 'chat',
    reasoning: false,
    tokenScale: 1,
    servedBy: '',
    usdPerMillion: FREE,
    dimensions: 0,
    ...more,
  }
}

function dated(id: string, snapshotDate: string): string {
  return snapshotDate ? `${id}-${snapshotDate}` : id
}

function openai(id: string, snapshotDate = ''): Model {
  const reasoning = /^(o\d|gpt-5)/.test(id)
  return chat('openai', id, { snapshot: dated(id, snapshotDate), reasoning })
}

function embedding(provider: ProviderName, id: string, dimensions: number): Model {
  return chat(provider, id, { kind: 'embedding', dimensions })
}

/** Claude has no public tokenizer: 1.18 × o200k up to 4.6 and 1.53 × after is the best estimate known. */
function anthropic(id: string, tokenScale: number, snapshotDate = ''): Model {
  return chat('anthropic', id, { snapshot: dated(id, snapshotDate), tokenScale })
}

function openrouter(id: string, servedBy: string, usd: readonly [number, number, number]): Model {
  const [input, cached, output] = usd
  return chat('openrouter', id, {
    reasoning: /\/(o\d|gpt-5|deepseek-r)/.test(id),
    tokenScale: id.startsWith('anthropic/') ? 1.18 : 1,
    servedBy,
    usdPerMillion: { input, cached, output },
  })
}

const thinks = { reasoning: true }

export const MODELS: readonly Model[] = [
  openai('gpt-4o', '2024-08-06'),
  openai('gpt-4o-mini', '2024-07-18'),
  openai('gpt-4.1', '2025-04-14'),
  openai('gpt-4.1-mini', '2025-04-14'),
  openai('gpt-5', '2025-08-07'),
  openai('gpt-5-mini', '2025-08-07'),
  openai('gpt-5.2', '2025-12-11'),
  openai('gpt-5.4'),
  openai('gpt-5.4-mini', '2026-03-17'),
  openai('gpt-5.6-sol'),
  openai('o3', '2025-04-16'),
  openai('o4-mini', '2025-04-16'),
  embedding('openai', 'text-embedding-3-small', 1536),
  embedding('openai', 'text-embedding-3-large', 3072),
  anthropic('claude-haiku-4-5', 1.18, '20251001'),
  anthropic('claude-sonnet-4-5', 1.18, '20250929'),
  anthropic('claude-opus-4-5', 1.18, '20251101'),
  anthropic('claude-sonnet-4-6', 1.18),
  anthropic('claude-opus-4-6', 1.18),
  anthropic('claude-opus-4-8', 1.53),
  anthropic('claude-haiku-5-5', 1.53),
  anthropic('claude-sonnet-5-5', 1.53),
  anthropic('claude-opus-5-5', 1.53),
  openrouter('openai/gpt-4o-mini', 'OpenAI', [0.15, 0.075, 0.6]),
  openrouter('openai/gpt-5-mini', 'OpenAI', [0.25, 0.025, 2]),
  openrouter('anthropic/claude-sonnet-4.5', 'Anthropic', [3, 0.3, 15]),
  openrouter('google/gemini-2.5-flash', 'Google', [0.3, 0.03, 2.5]),
  openrouter('meta-llama/llama-3.3-70b-instruct', 'DeepInfra', [0.1, 0.1, 0.32]),
  openrouter('deepseek/deepseek-r1', 'DeepInfra', [0.7, 0.4, 2.4]),
  chat('google', 'gemini-2.5-flash-lite'),
  chat('google', 'gemini-2.5-flash', thinks),
  chat('google', 'gemini-2.5-pro', thinks),
  chat('mistral', 'mistral-small-latest'),
  chat('mistral', 'mistral-large-latest'),
  chat('cohere', 'command-a-03-2025'),
  chat('cohere', 'command-r-plus-08-2024'),
  chat('ollama', 'llama3.2'),
  chat('ollama', 'qwen3'),
  embedding('ollama', 'all-minilm', 384),
  chat('groq', 'llama-3.3-70b-versatile'),
  chat('groq', 'openai/gpt-oss-20b', thinks),
  chat('deepseek', 'deepseek-chat'),
  chat('deepseek', 'deepseek-reasoner', thinks),
  chat('xai', 'grok-3', { usdPerMillion: { input: 3, cached: 0.75, output: 15 } }),
  chat('xai', 'grok-4', {
    ...thinks,
    snapshot: 'grok-4-0709',
    usdPerMillion: { input: 3, cached: 0.75, output: 15 },
  }),
  chat('bedrock', 'anthropic.claude-haiku-4-5-20251001-v1:0', { tokenScale: 1.18 }),
  chat('bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', { tokenScale: 1.18 }),
  chat('bedrock', 'amazon.nova-lite-v1:0'),
]

/** The model of that name or snapshot, undefined when the provider does not have it. */
export function findModel(
  provider: ProviderName,
  name: string,
  kind: Model['kind'],
): Model | undefined {
  return MODELS.find(
    (model) =>
      model.provider === provider &&
      model.kind === kind &&
      (model.id === name || model.snapshot === name),
  )
}
