import type { LimitOptions, PlanOptions } from '../../src/index.js'

export const metrics = ['requests', 'tokens', 'cost'] as const
export const windows = ['minute', 'hour', 'day', 'month', 'lifetime'] as const
export const enforcements = ['hard', 'soft', 'throttle'] as const
export const modes = ['open', 'closed'] as const
export const stores = ['up', 'down', 'slow', 'hung'] as const

export type Store = (typeof stores)[number]

/** One row of the table, for each state of the store. */
export interface Combination {
  readonly tier: string
  readonly metric: (typeof metrics)[number]
  readonly window: (typeof windows)[number]
  readonly enforcement: (typeof enforcements)[number]
  readonly onStoreError: (typeof modes)[number]
}

export const combinations: readonly Combination[] = metrics.flatMap((metric) =>
  windows.flatMap((window) =>
    enforcements.flatMap((enforcement) =>
      modes.map((onStoreError) => {
        const tier = [metric, window, enforcement, onStoreError].join('-')
        return { tier, metric, window, enforcement, onStoreError }
      }),
    ),
  ),
)

/** What each request uses, in what limits are written in, and recorded. */
export const answer = {
  object: 'chat.completion',
  model: 'gpt-4o',
  choices: [],
  usage: { prompt_tokens: 60, completion_tokens: 40, total_tokens: 100 },
}
/** 60 tokens at $2.50 and 40 at $10 per million. */
export const costNanoUsd = 60 * 2_500 + 40 * 10_000
export const each = { requests: 1, tokens: 100, cost: costNanoUsd / 1e9 } as const

/** Every limit has room for two requests. */
export const limitOf = ({ metric, window, enforcement }: Combination): LimitOptions => {
  const limit = metric === 'cost' ? (2 * costNanoUsd) / 1e9 : 2 * each[metric]
  return { name: 'the-limit', metric, window, enforcement, limit }
}

export const plans: Record<string, PlanOptions> = Object.fromEntries(
  combinations.map((one) => [
    one.tier,
    { limits: [limitOf(one)], onStoreError: one.onStoreError } satisfies PlanOptions,
  ]),
)

export const userOf = (store: Store, { tier }: Combination) => `${store}.${tier}`

/**
 * With the store up: two requests. Else: one before the outage, two while it lasts. And one more when
 * all is well again. What each of them must be told:
 */
export type Verdict = 'admitted' | 'degraded' | 'unavailable' | 'refused'

export function verdictsOf(store: Store, { enforcement, onStoreError }: Combination): Verdict[] {
  const beyond = enforcement === 'soft' ? 'admitted' : 'refused'
  if (store === 'up') return ['admitted', 'admitted', beyond]
  if (onStoreError === 'open') return ['admitted', 'degraded', 'degraded', beyond]
  return ['admitted', 'unavailable', 'unavailable', 'admitted']
}

/** Start of the next window, in UTC; null: there is none. */
export function resetOf(window: Combination['window'], now: number): string | null {
  const at = new Date(now)
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()]
  const [hour, minute] = [at.getUTCHours(), at.getUTCMinutes()]
  const ends = {
    minute: Date.UTC(year, month, day, hour, minute + 1),
    hour: Date.UTC(year, month, day, hour + 1),
    day: Date.UTC(year, month, day + 1),
    month: Date.UTC(year, month + 1),
    lifetime: undefined,
  }
  const end = ends[window]
  return end === undefined ? null : new Date(end).toISOString()
}
