import { seededRandom, seedOf } from '../../scripts/simulator/random.js'
import type { PriceOverride } from '../../src/pricing/override.js'

/** What the clients of a run ask for, with what it must be recorded as. */
export interface Operation {
  /** Its own: each operation is an organisation by itself, which is known from its very start. */
  readonly id: string
  readonly user: string
  readonly kind: 'json' | 'stream' | 'record'
  readonly model: string
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cost_nano_usd: number
  /** How long its handler works, ms; 0: it answers in the turn in which it is asked. */
  readonly worksMs: number
}

const users = 50
/** Of the users, so many are held to limits (that none of them reaches). */
const limitedUsers = 16
/** Nano-dollars per token. */
const rates = [
  { input: 1_250, output: 10_000 },
  { input: 150, output: 600 },
  { input: 3_000, output: 15_000 },
]

export const prices: readonly PriceOverride[] = rates.map(({ input, output }, index) => ({
  model: `fault-${index}`,
  input_usd_per_million: input / 1_000,
  output_usd_per_million: output / 1_000,
}))

/** The same seed and number give the same operation. */
export function operationOf(seed: number, index: number): Operation {
  const random = seededRandom(seedOf(String(seed), String(index)))
  const below = (end: number) => Math.floor(random() * end)
  const kindAt = random()
  const model = below(rates.length)
  const rate = rates[model] ?? { input: 0, output: 0 }
  const input_tokens = 1 + below(5_000)
  const output_tokens = 1 + below(2_000)
  return {
    id: `op-${index}`,
    user: `user-${below(users)}`,
    kind: kindAt < 0.15 ? 'record' : kindAt < 0.3 ? 'stream' : 'json',
    model: `fault-${model}`,
    input_tokens,
    output_tokens,
    cost_nano_usd: input_tokens * rate.input + output_tokens * rate.output,
    worksMs: random() < 0.3 ? 0 : below(30),
  }
}

export function indexOf(id: string | undefined): number {
  return Number(id?.slice('op-'.length) ?? Number.NaN)
}

export function tierOf(user: string): string {
  return Number(user.slice('user-'.length)) < limitedUsers ? 'limited' : 'free'
}
