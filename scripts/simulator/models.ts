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
  /** OpenRouter: US dollars per million tokens. Illustrative, not anybody's price list. */
  readonly usdPerMillion: {
    readonly input: number
    readonly cached: number
    readonly output: number
  }
  /** Length of an embedding. */
  readonly dimensions: number
}

const FREE = { input: 0, cached: 0, output: 0 }

function openai(id: string, snapshotDate = ''): Model {
  return {
    provider: 'openai',
    id,
    snapshot: snapshotDate ? `${id}-${snapshotDate}` : id,
    kind: 'chat',
    reasoning: /^(o\d|gpt-5)/.test(id),
    tokenScale: 1,
    servedBy: 'OpenAI',
    usdPerMillion: FREE,
    dimensions: 0,
  }
}

function embedding(id: string, dimensions: number): Model {
  return { ...openai(id), kind: 'embedding', dimensions }
}

/** Claude has no public tokenizer: 1.18 × o200k up to 4.6 and 1.53 × after is the best estimate known. */
function anthropic(id: string, tokenScale: number, snapshotDate = ''): Model {
  return { ...openai(id, snapshotDate), provider: 'anthropic', servedBy: 'Anthropic', tokenScale }
}

function openrouter(id: string, servedBy: string, usd: readonly [number, number, number]): Model {
  const [input, cached, output] = usd
  return {
    ...openai(id),
    provider: 'openrouter',
    reasoning: /\/(o\d|gpt-5|deepseek-r)/.test(id),
    tokenScale: id.startsWith('anthropic/') ? 1.18 : 1,
    servedBy,
    usdPerMillion: { input, cached, output },
  }
}

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
  embedding('text-embedding-3-small', 1536),
  embedding('text-embedding-3-large', 3072),
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
