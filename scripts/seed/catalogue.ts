import type { TokenSource } from '../../src/event.js'
import { Weighted } from './chance.js'

/** What an operation of a kind is like: medians of log-normal figures. */
export interface Kind {
  readonly type: string
  readonly endpoint: string
  readonly share: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly stream: boolean
}

function kind(type: string, share: number, inputTokens: number, outputTokens: number): Kind {
  const stream = type.endsWith('_stream')
  return {
    type,
    endpoint: `/ai/${type.replace('_', '/')}`,
    share,
    inputTokens,
    outputTokens,
    stream,
  }
}

const kinds = [
  kind('chat', 30, 420, 260),
  kind('chat_stream', 34, 520, 320),
  kind('summarize', 7, 2200, 240),
  kind('summarize_stream', 5, 2400, 260),
  kind('qa', 9, 900, 160),
  kind('qa_stream', 6, 950, 180),
  kind('qa_file', 4, 4200, 220),
  kind('mindmap', 3, 350, 900),
  kind('upload', 2, 0, 0),
] as const

export interface SeedModel {
  readonly provider: string
  readonly model: string
  readonly share: number
  /** Milliseconds to the first token, median. */
  readonly firstTokenMs: number
  readonly tokensPerSecond: number
  /** Share of the prompt that tends to come from the provider's cache. */
  readonly cached: number
  readonly reasons: boolean
}

function model(
  name: `${string}/${string}`,
  share: number,
  [firstTokenMs, tokensPerSecond]: readonly [number, number],
  more: { cached?: number; reasons?: boolean } = {},
): SeedModel {
  const [provider = '', id = ''] = name.split('/')
  const { cached = 0, reasons = false } = more
  return { provider, model: id, share, firstTokenMs, tokensPerSecond, cached, reasons }
}

const models = [
  model('openai/gpt-4o-mini-2024-07-18', 30, [380, 95], { cached: 0.2 }),
  model('openai/gpt-4o-2024-08-06', 14, [520, 75], { cached: 0.2 }),
  model('openai/gpt-5-mini-2025-08-07', 14, [900, 110], { cached: 0.3, reasons: true }),
  model('anthropic/claude-sonnet-4-5-20250929', 16, [850, 65], { cached: 0.5 }),
  model('anthropic/claude-haiku-4-5-20251001', 8, [420, 140], { cached: 0.5 }),
  model('google/gemini-2.5-flash', 9, [450, 180]),
  model('mistral/mistral-large-2411', 5, [500, 60]),
  model('deepseek/deepseek-chat', 4, [1100, 40]),
]

/** How a request can fail before it used anything. */
export interface Failure {
  readonly status: number
  readonly error_type: string
  readonly share: number
  readonly afterMs: number
}

const failures: readonly Failure[] = [
  { status: 429, error_type: 'rate_limit_exceeded', share: 40, afterMs: 120 },
  { status: 500, error_type: 'http_500', share: 20, afterMs: 900 },
  { status: 400, error_type: 'http_400', share: 18, afterMs: 25 },
  { status: 502, error_type: 'http_502', share: 12, afterMs: 2500 },
  { status: 504, error_type: 'timeout', share: 10, afterMs: 30_000 },
]

const sources: readonly [TokenSource, number][] = [
  ['provider', 84],
  ['tokenizer', 9],
  ['annotated', 4],
  ['estimate', 3],
]

const tiers: readonly [string, number][] = [
  ['free', 62],
  ['basic', 20],
  ['pro', 14],
  ['enterprise', 4],
]

export const catalogue = {
  kinds: new Weighted(kinds, ({ share }) => share),
  models: new Weighted(models, ({ share }) => share),
  failures: new Weighted(failures, ({ share }) => share),
  sources: new Weighted(sources, ([, share]) => share),
  tiers: new Weighted(tiers, ([, share]) => share),
}
