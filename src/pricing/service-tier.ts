import { unchanged, type Factor } from './rates.js'

const half: Factor = { times: 1, over: 2 }
const factor = (times: number, over: number): Factor => ({ times, over })

/** The names under which providers report ordinary service. */
const ordinary = new Set(['default', 'standard', 'auto', 'on_demand', 'on-demand', 'standard_only'])

/** Several ways of being served, summed up: there is no multiple of the sum. */
export const mixedService = 'mixed'

/** True for a tier that costs the ordinary price. */
export function isOrdinary(tier: string | undefined): boolean {
  return tier === undefined || tier === '' || ordinary.has(tier.toLowerCase())
}

/**
 * What other service costs, as a multiple of the ordinary price, per provider of the catalogue.
 * - OpenAI: https://platform.openai.com/docs/guides/batch and /flex-processing (half)
 * - Anthropic: https://platform.claude.com/docs/en/build-with-claude/batch-processing (half);
 *   Priority Tier is committed spend, which has no public price; inference that stays in the US
 *   (claude-opus-4-6 and later) costs a tenth more:
 *   https://platform.claude.com/docs/en/about-claude/pricing#data-residency-pricing
 * - Google: https://ai.google.dev/gemini-api/docs/pricing (batch and flex half)
 * - Bedrock: https://aws.amazon.com/bedrock/pricing/ (batch and flex half, priority + 75 %)
 * - Groq: https://console.groq.com/docs/flex-processing (flex as on demand), /batch (half)
 * - Azure and Mistral: batch half
 */
const multiples: Readonly<Record<string, Readonly<Record<string, Factor>>>> = {
  openai: { batch: half, flex: half },
  azure: { batch: half },
  anthropic: { batch: half, us: factor(11, 10) },
  google: { batch: half, flex: half },
  aws: { batch: half, flex: half, priority: factor(7, 4) },
  mistral: { batch: half },
  groq: { batch: half, flex: unchanged },
}

type ByModel = readonly (readonly [RegExp, Factor])[]

/**
 * OpenAI's priority processing costs a multiple that differs by model: its published prices over
 * its ordinary ones. https://openai.com/api-fast-mode/
 */
const openaiPriority: ByModel = [
  [/^gpt-4o-2024-05-13$/, factor(7, 4)],
  [/^gpt-4o-mini(?:-\d{4}-\d{2}-\d{2})?$/, factor(5, 3)],
  [/^gpt-4o(?:-\d{4}-\d{2}-\d{2})?$/, factor(17, 10)],
  [/^gpt-4\.1-nano(?:-\d{4}-\d{2}-\d{2})?$/, factor(2, 1)],
  [/^(?:gpt-4\.1(?:-mini)?|o3)(?:-\d{4}-\d{2}-\d{2})?$/, factor(7, 4)],
  [/^o4-mini(?:-\d{4}-\d{2}-\d{2})?$/, factor(20, 11)],
  [/^gpt-5-mini(?:-\d{4}-\d{2}-\d{2})?$/, factor(9, 5)],
  [/^gpt-5(?:\.[124])?(?:-codex)?(?:-\d{4}-\d{2}-\d{2})?$/, factor(2, 1)],
  [/^gpt-5\.4-mini(?:-\d{4}-\d{2}-\d{2})?$/, factor(2, 1)],
  [/^gpt-5\.5(?:-\d{4}-\d{2}-\d{2})?$/, factor(5, 2)],
  [/^gpt-5\.6-(?:sol|terra|luna)(?:-\d{4}-\d{2}-\d{2})?$/, factor(2, 1)],
]

/** Anthropic's fast mode, likewise. https://platform.claude.com/docs/en/build-with-claude/fast-mode */
const anthropicFast: ByModel = [
  [/^claude-opus-4[-.][67](?:-\d{8})?$/, factor(6, 1)],
  [/^claude-opus-(?:4[-.]8|5|5[-.]5)(?:-\d{8})?$/, factor(2, 1)],
]

/** Service whose multiple depends on the model. OpenAI has called priority `fast` since July 2026. */
const multiplesByModel: Readonly<Record<string, Readonly<Record<string, ByModel>>>> = {
  openai: { priority: openaiPriority, fast: openaiPriority },
  anthropic: { fast: anthropicFast },
}

/**
 * The multiple that a way of being served costs; undefined where none is published. Several ways at
 * once (`batch+us`) multiply.
 */
export function serviceFactor(
  provider: string | undefined,
  model: string,
  tier: string | undefined,
): Factor | undefined {
  let product = unchanged
  for (const name of tier?.toLowerCase().split('+') ?? []) {
    const one = factorOf(provider, model, name)
    if (one === undefined) return undefined
    product = factor(product.times * one.times, product.over * one.over)
  }
  return product
}

function factorOf(provider: string | undefined, model: string, name: string): Factor | undefined {
  if (name === '' || ordinary.has(name)) return unchanged
  if (provider === undefined) return undefined
  const byModel = own(own(multiplesByModel, provider), name)
  if (byModel !== undefined) return byModel.find(([pattern]) => pattern.test(model))?.[1]
  return own(own(multiples, provider), name)
}

function own<Value>(
  record: Readonly<Record<string, Value>> | undefined,
  key: string,
): Value | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined
}
