import { isObject, objectAt, type Json, type JsonObject } from '../json.js'
import { flag, type Reading } from '../reading.js'

/**
 * Tells those who speak OpenAI's formats apart, by marks that are theirs alone in the documentation:
 * Azure's content filter results, OpenRouter's `provider`, `gen-…` ids and cost, Groq's `x_groq` and
 * times, DeepSeek's cache split, xAI's ticks and sources, Ollama's fingerprint.
 */
export function compatibleProvider(
  payload: JsonObject,
  choices: readonly Json[],
  usage: JsonObject | undefined,
): string | undefined {
  if (payload.x_groq !== undefined) return 'groq'
  if (payload.prompt_filter_results !== undefined) return 'azure'
  if (typeof payload.provider === 'string') return 'openrouter'
  if (typeof payload.id === 'string' && payload.id.startsWith('gen-')) return 'openrouter'
  if (payload.system_fingerprint === 'fp_ollama') return 'ollama'
  const choice = choices[0]
  if (isObject(choice)) {
    if ('content_filter_results' in choice || 'content_filter_offsets' in choice) return 'azure'
    if ('native_finish_reason' in choice) return 'openrouter'
  }
  return usage && providerOfUsage(usage)
}

/** The provider that a usage object's own keys give away. */
export function providerOfUsage(usage: JsonObject): string | undefined {
  if ('is_byok' in usage || 'cost_details' in usage) return 'openrouter'
  if ('cost_in_usd_ticks' in usage || 'num_sources_used' in usage) return 'xai'
  if ('queue_time' in usage && 'prompt_time' in usage) return 'groq'
  return 'prompt_cache_hit_tokens' in usage ? 'deepseek' : undefined
}

/** xAI counts cost in ticks of 10⁻¹⁰ US dollars. */
const ticksPerUsd = 1e10

/**
 * The cost that OpenRouter, Perplexity (`total_cost`; US dollars) or xAI (ticks) report. With the caller's own key at the
 * upstream provider (BYOK), OpenRouter's `cost` is its fee and the upstream's price comes on top:
 * where that is not told, nobody knows the whole.
 * https://openrouter.ai/docs/use-cases/usage-accounting
 */
export function readCost(usage: JsonObject, reading: Reading): void {
  const { cost, cost_in_usd_ticks: ticks } = usage
  if (typeof cost === 'number') {
    const details = objectAt(usage, 'cost_details')
    const upstream = usage.is_byok === false ? undefined : details?.upstream_inference_cost
    if (usage.is_byok === true && typeof upstream !== 'number') return
    reading.cost_usd = cost
    if (typeof upstream === 'number') {
      if (upstream < 0) flag(reading, 'cost_usd_invalid')
      else reading.cost_usd += upstream
    }
  } else if (typeof ticks === 'number') reading.cost_usd = ticks / ticksPerUsd
  else if (isObject(cost) && typeof cost.total_cost === 'number') reading.cost_usd = cost.total_cost
}
